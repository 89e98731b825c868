using System.Net;
using System.Net.Sockets;

namespace IommuCluster.Silo.Hosting;

/// <summary>Ports of this machine that nobody listens at.</summary>
internal static class FreePorts
{
    /// <summary>Finds two.</summary>
    /// <returns>A port for silos and one for clients.</returns>
    public static (int Silo, int Gateway) Two()
    {
        using var silo = new TcpListener(IPAddress.Loopback, 0);
        using var gateway = new TcpListener(IPAddress.Loopback, 0);
        silo.Start();
        gateway.Start();
        return (((IPEndPoint)silo.LocalEndpoint).Port, ((IPEndPoint)gateway.LocalEndpoint).Port);
    }
}
