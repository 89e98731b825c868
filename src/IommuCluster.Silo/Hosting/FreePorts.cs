using System.Net;
using System.Net.Sockets;

namespace IommuCluster.Silo.Hosting;

/// <summary>Ports of this machine that nobody listens at.</summary>
internal static class FreePorts
{
    /// <summary>Finds one.</summary>
    /// <returns>A port that was free just now.</returns>
    public static int One()
    {
        using var listener = Listen();
        return PortOf(listener);
    }

    /// <summary>Finds two.</summary>
    /// <returns>A port for silos and another one for clients.</returns>
    public static (int Silo, int Gateway) Two()
    {
        using var silo = Listen();
        using var gateway = Listen(); // While the first one is taken: two calls of One may answer the same port.
        return (PortOf(silo), PortOf(gateway));
    }

    private static TcpListener Listen()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return listener;
    }

    private static int PortOf(TcpListener listener) => ((IPEndPoint)listener.LocalEndpoint).Port;
}
