using System.Text;

namespace IommuCluster.Boards;

/// <summary>Reads files, but never more of one than asked for: a pipe or a huge file must not fill the memory.</summary>
internal static class BoundedFile
{
    /// <summary>The file's bytes; one more than the limit when it is longer, so that the reader can say so. Throws <see cref="BoardFormatException"/> when it cannot be read.</summary>
    internal static byte[] Read(string path, int limitBytes)
    {
        try
        {
            return ReadBytes(path, limitBytes);
        }
        catch (Exception bad) when (bad is IOException or UnauthorizedAccessException)
        {
            var reason = bad is FileNotFoundException or DirectoryNotFoundException ? "no such file" : bad.Message.TrimEnd('.');
            throw new DiagnosticBag(path).Fatal(reason, "give a file that can be read");
        }
    }

    /// <summary>The file's text as UTF-8. Throws <see cref="BoardFormatException"/> when it is too long or no UTF-8.</summary>
    internal static string ReadText(string path, int limitBytes)
    {
        var data = Read(path, limitBytes);
        if (data.Length > limitBytes)
        {
            throw new DiagnosticBag(path).Fatal($"more than {limitBytes} bytes", "no board is that large", 1, 1);
        }

        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(data).TrimStart('\ufeff');
        }
        catch (DecoderFallbackException bad)
        {
            var line = data.AsSpan(0, Math.Clamp(bad.Index, 0, data.Length)).Count((byte)'\n') + 1;
            throw new DiagnosticBag(path).Fatal("bytes that are no UTF-8", "save the file as UTF-8", line, 1);
        }
    }

    private static byte[] ReadBytes(string path, int limitBytes)
    {
        using var stream = File.OpenRead(path);
        using var data = new MemoryStream();
        var buffer = new byte[81_920];
        while (data.Length <= limitBytes)
        {
            var wanted = (int)Math.Min(buffer.Length, limitBytes + 1 - data.Length);
            var read = stream.Read(buffer, 0, wanted);
            if (read == 0)
            {
                break;
            }

            data.Write(buffer, 0, read);
        }

        return data.ToArray();
    }
}
