namespace IommuCluster.Exploration.Strategies;

/// <summary>A search that can be put away between two schedules and gone on with later, in another process.</summary>
public interface IResumable
{
    /// <summary>Writes where the search stands: with the workload and the bounds it was made with, all that there is to know.</summary>
    /// <param name="writer">Where to.</param>
    void Save(BinaryWriter writer);

    /// <summary>Makes a fresh search stand where another one stood.</summary>
    /// <param name="reader">What <see cref="Save"/> wrote.</param>
    /// <exception cref="InvalidDataException">It is not what a search of this kind wrote.</exception>
    void Load(BinaryReader reader);
}
