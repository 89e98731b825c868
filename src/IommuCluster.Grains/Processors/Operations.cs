using IommuCluster.Grains.Contracts;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Iommu;
using IommuCluster.Kernel.Memory;
using IommuCluster.Kernel.Userspace;
using ThreadStart = IommuCluster.Kernel.Memory.ThreadStart;

namespace IommuCluster.Grains.Processors;

/// <summary>An operation as the body of a kernel thread.</summary>
/// <param name="operation">The operation.</param>
internal sealed class Operation(OperationMessage operation)
{
    /// <summary>What it came to, once the thread has ended.</summary>
    public OperationAnswer? Answer { get; private set; }

    /// <summary>The thread to start.</summary>
    public ThreadStart ToStart() => new($"user {operation.Kind.ToString().ToLowerInvariant()}", Run);

    private async Flow Run(KernelThread t)
    {
        var result = await Operate(t);
        Answer = new OperationAnswer(result.Error, result.Value);
    }

    private Flow<OperationResult> Operate(KernelThread t)
    {
        var dev = Machine.DeviceAt(operation.Device);
        var domain = new IommuDomain(new Address(operation.Domain));
        return operation.Kind switch
        {
            OperationKind.Bind => LiveOperations.Bind(t, dev),
            OperationKind.Unbind => LiveOperations.Unbind(t, dev),
            OperationKind.AllocateDomain => LiveOperations.AllocateDomain(t, dev),
            OperationKind.FreeDomain => LiveOperations.FreeDomain(t, domain),
            OperationKind.Attach => LiveOperations.Attach(t, domain, dev),
            OperationKind.Detach => LiveOperations.Detach(t, domain, dev),
            OperationKind.Map => LiveOperations.Map(t, domain, operation.Iova, operation.Physical),
            OperationKind.Unmap => LiveOperations.Unmap(t, domain, operation.Iova),
            OperationKind.Translate => LiveOperations.Translate(t, domain, operation.Iova),
            _ => throw new System.Diagnostics.UnreachableException($"No flow for {operation.Kind}."),
        };
    }
}
