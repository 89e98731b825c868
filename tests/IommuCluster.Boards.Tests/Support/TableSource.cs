using System.Buffers.Binary;
using System.Text;

namespace IommuCluster.Boards.Tests.Support;

/// <summary>An ACPI table under construction: header, checksum, and what a test puts behind them, little endian.</summary>
internal sealed class TableSource
{
    private readonly List<byte> _bytes = [];

    internal TableSource(string signature)
    {
        Text(signature, 4).U32(0).U8(1).U8(0).Text("TEST", 6).Text("BOARD", 8).U32(1).Text("ICLU", 4).U32(1);
    }

    internal int Length => _bytes.Count;

    internal TableSource U8(int value) => Put([(byte)value]);

    internal TableSource U16(int value) => Put([(byte)(value & 0xff), (byte)((value >> 8) & 0xff)]);

    internal TableSource U32(uint value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return Put(bytes);
    }

    internal TableSource U64(ulong value) => U32((uint)(value & uint.MaxValue)).U32((uint)(value >> 32));

    internal TableSource Zero(int count) => Put(new byte[count]);

    internal TableSource Text(string text, int length) => Put([.. Encoding.ASCII.GetBytes(text), .. new byte[length - text.Length]]);

    internal TableSource Put(params byte[] bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    /// <summary>The table with its length and checksum.</summary>
    internal byte[] ToArray() => Seal([.. _bytes]);

    /// <summary>Writes a table's length, and a checksum that is right.</summary>
    internal static byte[] Seal(byte[] table)
    {
        if (table.Length >= 36)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(4), (uint)table.Length);
            Checksum(table);
        }

        return table;
    }

    /// <summary>Writes a checksum that is right.</summary>
    internal static void Checksum(byte[] table)
    {
        table[9] = 0;
        table[9] = (byte)((256 - (table.Sum(each => each) & 0xff)) & 0xff);
    }
}
