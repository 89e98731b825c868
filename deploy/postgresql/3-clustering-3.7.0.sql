-- From Microsoft Orleans 10.2.2 (https://github.com/dotnet/orleans, src/AdoNet), unchanged below this notice.
-- The MIT License (MIT). Copyright (c) .NET Foundation. The licence's text is in LICENSE-orleans.txt beside this file.

INSERT INTO OrleansQuery(QueryKey, QueryText)
VALUES
(
    'CleanupDefunctSiloEntriesKey','
    DELETE FROM OrleansMembershipTable
    WHERE DeploymentId = @DeploymentId
        AND @DeploymentId IS NOT NULL
        AND IAmAliveTime < @IAmAliveTime
        AND Status != 3;
');
