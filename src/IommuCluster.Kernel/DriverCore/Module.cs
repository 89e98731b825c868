using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.DriverCore;

/// <summary>How far a module is.</summary>
internal enum ModuleState
{
    /// <summary>Nobody has begun to load it.</summary>
    Unformed = 0,

    /// <summary>Its init function runs: its driver registers and probes.</summary>
    Coming = 1,

    /// <summary>Loaded.</summary>
    Live = 2,
}

/// <summary>
/// A <c>struct module</c> that more than one modprobe may want (Linux: <c>kernel/module/main.c</c>). A module that none
/// but its own modprobe loads has no need for one.
/// </summary>
internal readonly record struct Module(Address Address) : IKernelObject<Module>
{
    private static readonly Layout s_layout = new("module");
    private static readonly FieldDescriptor s_state = s_layout.Word("state", 0, 0);

    /// <inheritdoc/>
    public static Layout Layout => s_layout;

    /// <summary>How far it is; under <c>module_mutex</c>.</summary>
    public Field<ModuleState> State => new(Address, s_state);

    /// <summary>Loads a driver's module after those that it needs, as the user's modprobe does.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="driver">Number of the driver.</param>
    /// <returns>Completes when the module is loaded.</returns>
    [KernelSource("(kmod)", "modprobe")]
    internal static async Flow Modprobe(KernelThread t, int driver)
    {
        foreach (var needed in t.Machine.ModulesNeededBy(driver))
        {
            await LoadModule(t, needed);
        }

        await LoadModule(t, driver);
    }

    [KernelSource("kernel/module/main.c", "load_module")]
    private static async Flow LoadModule(KernelThread t, int driver)
    {
        var shared = t.Machine.SharedModuleOf(driver);
        if (shared is null)
        {
            await Bus.BusAddDriver(t, driver);
            return;
        }

        using var frame = t.Call();
        if (await AddUnformedModule(t, shared.Value))
        {
            await Bus.BusAddDriver(t, driver);
            await SetLive(t, shared.Value);
        }
    }

    /// <summary>Begins to load a module, or waits for who has begun.</summary>
    /// <returns>False when somebody else has loaded it (-EEXIST, which modprobe takes for success).</returns>
    [KernelSource("kernel/module/main.c", "add_unformed_module")]
    private static async Flow<bool> AddUnformedModule(KernelThread t, Module module)
    {
        using var frame = t.Call();
        var soc = Soc.Globals;
        while (true)
        {
            var ticket = await t.PrepareToWait(soc.ModuleWaitQueue);
            await t.Lock(soc.ModuleMutex);
            var state = await t.Load(module.State);
            if (state == ModuleState.Unformed)
            {
                await t.Store(module.State, ModuleState.Coming);
            }

            await t.Unlock(soc.ModuleMutex);
            if (state != ModuleState.Coming)
            {
                return state == ModuleState.Unformed;
            }

            await t.WaitEvent(soc.ModuleWaitQueue, ticket);
        }
    }

    [KernelSource("kernel/module/main.c", "do_init_module")]
    private static async Flow SetLive(KernelThread t, Module module)
    {
        using var frame = t.Call();
        var soc = Soc.Globals;
        await t.Lock(soc.ModuleMutex);
        await t.Store(module.State, ModuleState.Live);
        await t.Unlock(soc.ModuleMutex);
        await t.WakeUp(soc.ModuleWaitQueue);
    }
}
