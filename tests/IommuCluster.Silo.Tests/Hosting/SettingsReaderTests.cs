using IommuCluster.Scenarios.Format;
using IommuCluster.Silo.Hosting;
using Microsoft.Extensions.Configuration;

namespace IommuCluster.Silo.Tests.Hosting;

public sealed class SettingsReaderTests
{
    [Fact]
    public void Read_ShippedFile_SaysTheDefaults()
    {
        var shipped = new ConfigurationBuilder().AddJsonFile(Path.Combine(AppContext.BaseDirectory, "appsettings.json")).Build();

        Assert.Equal(new SiloSettings(), SettingsReader.Read(shipped));
        Assert.Equal(
            typeof(SiloSettings).GetProperties().Select(property => property.Name).Order(StringComparer.Ordinal),
            shipped.GetSection(SiloSettings.Section).GetChildren().Select(child => child.Key).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Read_Overrides_WinOverTheFile()
    {
        var settings = SettingsReader.Read(new SettingsSources(null, ["SiloPort=21111", "clustering=AdoNet", "ConnectionString=Host=db;Database=x"]).Load());

        Assert.Equal((21111, Clustering.AdoNet, "Host=db;Database=x"), (settings.SiloPort, settings.Clustering, settings.ConnectionString));
    }

    [Fact]
    public void Read_OverrideGivenTwice_IsTheLastOne() =>
        Assert.Equal(21112, SettingsReader.Read(new SettingsSources(null, ["SiloPort=21111", "siloport=21112"]).Load()).SiloPort);

    [Theory]
    [InlineData("SiloPrt=1", "IommuCluster:SiloPrt: there is no such setting; did you mean 'SiloPort'?")]
    [InlineData("SiloPort=0", "IommuCluster:SiloPort: is '0'; give a number from 1 to 65535")]
    [InlineData("SiloPort=many", "IommuCluster:SiloPort: is 'many'; give a number from 1 to 65535")]
    [InlineData("GatewayPort=11111", "IommuCluster:GatewayPort: 11111 is the SiloPort, too; give each a port of its own")]
    [InlineData("Clustering=zookeeper", "IommuCluster:Clustering: is 'zookeeper'; write localhost or adonet")]
    [InlineData("Clustering=adonet", "IommuCluster:ConnectionString: names no host, and clustering is adonet; write \"Host=...;Database=...;Username=...;Password=...\"")]
    [InlineData("HttpUrl=ftp://x", "IommuCluster:HttpUrl: 'ftp://x' is no http:// address; write \"http://127.0.0.1:5080\"; for TLS put a proxy in front")]
    [InlineData("HttpUrl=http://0.0.0.0:80", "IommuCluster:HttpToken: is empty, and the API listens at http://0.0.0.0:80, which others reach; set a secret of 16 characters or more, or listen at 127.0.0.1")]
    [InlineData("HttpToken=short", "IommuCluster:HttpToken: has 5 characters; give at least 16: openssl rand -hex 32")]
    [InlineData("AdvertisedAddress=here", "IommuCluster:AdvertisedAddress: 'here' is no IP address; give one that the other silos reach, or leave it empty")]
    [InlineData("ScenarioPlace=/no/such", "IommuCluster:ScenarioPlace: there is no directory '/no/such'; give the directory that holds scenarios/, or leave it empty")]
    [InlineData("SlicesAtOnce=1000", "IommuCluster:SlicesAtOnce: is '1000'; give a number from 1 to 256")]
    [InlineData("ClusterId=", "IommuCluster:ClusterId: has 0 characters; give a name of 1 to 100")]
    public void Read_BadSetting_SaysWhatIsWrong(string setting, string wanted) => Assert.Equal([wanted], Errors(setting));

    [Fact]
    public void Read_SeveralMistakes_SaysAll() => Assert.Equal(3, Errors("SiloPort=x", "GatewayPort=x", "Clustring=x").Length);

    [Fact]
    public void Load_WhatIsNoSetting_IsRefused() =>
        Assert.Equal(["SiloPort: no setting; write KEY=VALUE, as in SiloPort=11112"], Errors("SiloPort"));

    [Fact]
    public void Load_FileThatIsNotThere_IsRefused()
    {
        var bad = Assert.Throws<ScenarioException>(() => new SettingsSources("/no/such.json", []).Load());

        Assert.Equal("/no/such.json: no such file; give the path of a settings file like the shipped appsettings.json", bad.Message);
    }

    [Fact]
    public void Load_FileThatIsNoJson_IsRefusedWithItsPlace()
    {
        var file = Path.GetTempFileName();
        File.WriteAllText(file, "{\n  \"IommuCluster\": { oops }\n}");

        var bad = Assert.Throws<ScenarioException>(() => new SettingsSources(file, []).Load());

        Assert.StartsWith($"{file}: ", bad.Message, StringComparison.Ordinal);
        Assert.Contains("line", bad.Message, StringComparison.OrdinalIgnoreCase);
        File.Delete(file);
    }

    private static string[] Errors(params string[] overrides)
    {
        var bad = Assert.Throws<ScenarioException>(() => SettingsReader.Read(new SettingsSources(null, [.. overrides]).Load()));
        return [.. bad.Diagnostics.Select(each => each.ToString())];
    }
}
