namespace IommuCluster.Kernel.Profiles;

/// <summary>Linux 4.15: groups have become mandatory, but joining them is the IOMMU driver's business; nothing locks a device's probe.</summary>
internal static class Linux415
{
    /// <summary>The switches.</summary>
    public static Profile Profile { get; } = Linux517.Profile with
    {
        Name = "linux-4.15",
        Summary = "groups are mandatory, drivers join them in add_device; attaching does not look for a group",
        Era = "K415-GROUPS",
        Release = new KernelRelease(4, 15),
        CoreCalls = CoreCalls.AddDevice,
        AttachChecksGroup = false,
        FwspecInDevice = true,
        IommuDeferral = IommuDeferral.BuiltInTable,
        FirmwareDeviceLinks = false,
    };
}
