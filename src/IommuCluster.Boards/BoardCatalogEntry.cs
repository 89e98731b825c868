namespace IommuCluster.Boards;

/// <summary>A board that a catalog can give.</summary>
/// <param name="Name">Short name, as <see cref="BoardCatalog.Load"/> takes it.</param>
/// <param name="Path">The file it is in.</param>
public sealed record BoardCatalogEntry(string Name, string Path);
