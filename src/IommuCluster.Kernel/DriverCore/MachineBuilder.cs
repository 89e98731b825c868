using System.Collections.Immutable;
using IommuCluster.Kernel.Drivers;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Profiles;

namespace IommuCluster.Kernel.DriverCore;

/// <summary>From a plan to a machine: which devices exist, who waits for whom, who drives what.</summary>
internal static class MachineBuilder
{
    /// <summary>The first thread allocates four objects a device, and an address counts up to 65,535 of them.</summary>
    private const int MaxDevices = 16_000;

    /// <summary>Threads that may live at the same time; init and the deferred-probe worker are two of them.</summary>
    private const int MaxThreads = 64;

    /// <summary>Builds the machine of a plan.</summary>
    /// <param name="plan">The plan.</param>
    /// <returns>The machine.</returns>
    /// <exception cref="BootPlanException">The plan names a master or driver that the board does not have.</exception>
    public static Machine Build(BootPlan plan)
    {
        var scan = PciScan.Of(plan);
        var nodes = ChooseNodes(plan, scan);
        if (nodes.Length > MaxDevices)
        {
            throw new BootPlanException($"the boot of board {plan.Board.Name} has {nodes.Length} devices, more than {MaxDevices}; name the masters that matter");
        }

        var numbers = nodes.Select((node, number) => (node.Path, number)).ToDictionary(pair => pair.Path, pair => pair.number, StringComparer.Ordinal);
        var devices = nodes.Select((node, number) => new DeviceFacts(
            number,
            node,
            [],
            [.. node.Iommus.Select(specifier => (numbers.GetValueOrDefault(specifier.Iommu, -1), specifier.Cells))],
            Driver: -1)
        {
            Regions = ResvRegion.Of(plan.Board, node.Path),
            IsLiveAtBoot = plan.BootDma.Contains(node.Name) || plan.BootDma.Contains(node.Path),
            Host = scan.HostOf(node.Path) is { } host ? numbers[host] : -1,
            Functions = [.. scan.Behind(node.Path).Where(function => numbers.ContainsKey(function.Path)).Select(function => numbers[function.Path])],
        }).ToImmutableArray();
        var profile = new ProfileSwitches(plan.Profile);
        var links = SupplierLinks(plan, profile, devices, numbers);
        var ops = IommuDrivers.CreateFor(devices);
        for (var i = 0; i < ops.Length; i++)
        {
            ops[i].Reference = i + 1;
        }

        var drivers = Drivers(devices, [.. ops.Select(each => each.Driver), .. OtherDrivers()]);
        CheckDrivers(plan, drivers);
        CheckMasters(plan.BootDma, devices);
        var machine = new Machine(
            plan,
            profile,
            [.. devices.Select(device => device with { Suppliers = links[device.Number], Driver = DriverOf(device, drivers) })],
            drivers,
            ops);
        CheckThreads(machine);
        return machine;
    }

    private static void CheckMasters(ImmutableArray<string> live, ImmutableArray<DeviceFacts> devices)
    {
        foreach (var name in live)
        {
            if (!devices.Any(device => device.IsCalled(name) && (!device.Iommus.IsEmpty || device.Host >= 0)))
            {
                throw new BootPlanException($"no master here is called '{name}', to be left running by the boot loader; the masters are {string.Join(", ", devices.Where(device => !device.Iommus.IsEmpty).Select(device => device.Name))}");
            }
        }
    }

    /// <summary>A runtime has room for so many threads; better to say so now than in the one schedule in which all of them live.</summary>
    private static void CheckThreads(Machine machine)
    {
        var hardware = machine.Plan.Transfers == 0 ? 0 : machine.Devices.Count(device => device.Driver >= 0 && machine.Drivers[device.Driver] is GenericClient or RockchipDrm);
        var modules = machine.Drivers.Count(driver => machine.PlanOf(driver).Load == DriverLoad.Module);
        var workers = machine.Devices.Count(device => device.Driver >= 0 && machine.PlanOf(machine.Drivers[device.Driver]) is { Probe: ProbeMode.Asynchronous, Load: not DriverLoad.Absent });
        hardware += machine.Devices.Count(device => device.IsLiveAtBoot);
        if (hardware + Math.Max(modules, machine.Plan.Users.Length) + workers + 3 > MaxThreads)
        {
            throw new BootPlanException(
                $"the boot of board {machine.Plan.Board.Name} may have more than {MaxThreads} threads at a time: {hardware} masters that make transfers, {modules} modules, {workers} asynchronous probes; name fewer masters, or make no transfers");
        }
    }

    /// <summary>All other drivers, in the order in which a kernel links them: within an initcall level they are registered so.</summary>
    private static IEnumerable<DeviceDriver> OtherDrivers() => [new QmpUfsPhy(), new RockchipDrm(), new UfsQcom(), new MtkSmiCommon(), new MtkSmiLarb()];

    private static ImmutableArray<FirmwareNode> ChooseNodes(BootPlan plan, PciScan scan)
    {
        ImmutableArray<FirmwareNode> nodes = [.. plan.Board.Nodes.SelectMany(node => scan.Behind(node.Path).Insert(0, node)).DistinctBy(node => node.Path, StringComparer.Ordinal)];
        var byPath = nodes.ToDictionary(node => node.Path, StringComparer.Ordinal);
        var masters = nodes.Where(node => node.Enabled && (!node.Iommus.IsEmpty || !node.IommuMap.IsEmpty || scan.HostOf(node.Path) is not null)).ToImmutableArray();
        foreach (var name in plan.Masters)
        {
            if (!masters.Any(master => master.Name == name || master.Path == name))
            {
                throw new BootPlanException($"board {plan.Board.Name} has no enabled master '{name}'; it has {string.Join(", ", masters.Select(master => master.Name))}");
            }
        }

        var iommus = plan.Board.Nodes.Where(node => node.Enabled && node.IommuCells is not null).ToImmutableArray();
        foreach (var name in plan.Iommus)
        {
            if (!iommus.Any(iommu => iommu.Name == name || iommu.Path == name))
            {
                throw new BootPlanException($"board {plan.Board.Name} has no enabled IOMMU '{name}'; it has {string.Join(", ", iommus.Select(iommu => iommu.Name))}");
            }
        }

        var whole = plan.Masters.IsEmpty;
        var chosen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var master in masters.Where(master => whole || plan.Masters.Contains(master.Name) || plan.Masters.Contains(master.Path)))
        {
            chosen.Add(master.Path);
            chosen.UnionWith(master.Iommus.Select(specifier => specifier.Iommu));

            // A host comes with what is behind it, a function with the host that finds it.
            chosen.UnionWith(scan.Behind(master.Path).Select(function => function.Path));
            chosen.UnionWith(scan.Behind(master.Path).SelectMany(function => function.Iommus).Select(specifier => specifier.Iommu));
            if (scan.HostOf(master.Path) is { } host)
            {
                chosen.Add(host);
            }
        }

        chosen.UnionWith(iommus.Where(iommu => whole || plan.Iommus.Contains(iommu.Name) || plan.Iommus.Contains(iommu.Path)).Select(iommu => iommu.Path));

        AddSuppliers(chosen, byPath, transitive: whole, plan.FirmwareLinks);
        return [.. nodes.Where(node => chosen.Contains(node.Path))];
    }

    private static void AddSuppliers(HashSet<string> chosen, Dictionary<string, FirmwareNode> byPath, bool transitive, FirmwareLinks links)
    {
        if (links == FirmwareLinks.Off)
        {
            return;
        }

        var queue = new Queue<string>(chosen);
        while (queue.TryDequeue(out var path))
        {
            foreach (var supplier in byPath.GetValueOrDefault(path)?.Suppliers ?? [])
            {
                // A master that was not asked for does not come back as somebody's supplier.
                if (byPath.TryGetValue(supplier.Node, out var node) && node.Enabled && node.Iommus.IsEmpty && chosen.Add(node.Path) && transitive)
                {
                    queue.Enqueue(node.Path);
                }
            }
        }
    }

    /// <summary>Who must be bound before whom, without the links that lie on a circle (fw_devlink relaxes those).</summary>
    private static ImmutableArray<ImmutableArray<int>> SupplierLinks(BootPlan plan, ProfileSwitches profile, ImmutableArray<DeviceFacts> devices, Dictionary<string, int> numbers)
    {
        if (plan.FirmwareLinks is FirmwareLinks.Off or FirmwareLinks.Permissive || !profile.FirmwareDeviceLinks)
        {
            return [.. devices.Select(_ => ImmutableArray<int>.Empty)];
        }

        var links = devices.Select(device => device.Node.Suppliers
            .Select(supplier => numbers.GetValueOrDefault(supplier.Node, -1))
            .Concat(plan.FirmwareLinks == FirmwareLinks.Strict ? IommusOf(device, numbers) : [])
            .Where(number => number >= 0 && number != device.Number && devices[number].Node.Enabled)
            .Distinct()
            .ToImmutableArray()).ToImmutableArray();
        var component = StrongComponents(links);
        return [.. links.Select((suppliers, consumer) => suppliers.RemoveAll(supplier => component[supplier] == component[consumer]))];
    }

    /// <summary>The IOMMUs that a node names itself; what a scan finds behind a host has no node.</summary>
    private static IEnumerable<int> IommusOf(DeviceFacts device, Dictionary<string, int> numbers) =>
        device.Host >= 0 ? [] : device.Node.Iommus.Select(specifier => specifier.Iommu).Concat(device.Node.IommuMap.Select(entry => entry.Iommu)).Select(path => numbers.GetValueOrDefault(path, -1));

    /// <summary>Numbers the strongly connected components (Tarjan, SIAM J. Comput. 1972).</summary>
    private static int[] StrongComponents(ImmutableArray<ImmutableArray<int>> edges)
    {
        var order = new int[edges.Length];
        var low = new int[edges.Length];
        var component = Enumerable.Repeat(-1, edges.Length).ToArray();
        var stack = new Stack<int>();
        var next = 0;
        for (var node = 0; node < edges.Length; node++)
        {
            if (order[node] == 0)
            {
                Visit(node);
            }
        }

        return component;

        // Without recursion: a chain of suppliers may be as long as the board has nodes.
        void Visit(int root)
        {
            var path = new Stack<(int Node, int Edge)>();
            Enter(root);
            while (path.TryPop(out var at))
            {
                var (node, edge) = at;
                if (edge > 0)
                {
                    low[node] = Math.Min(low[node], LowOf(edges[node][edge - 1]));
                }

                while (edge < edges[node].Length && order[edges[node][edge]] != 0)
                {
                    low[node] = Math.Min(low[node], LowOf(edges[node][edge++]));
                }

                if (edge < edges[node].Length)
                {
                    path.Push((node, edge + 1));
                    Enter(edges[node][edge]);
                    continue;
                }

                while (low[node] == order[node] && component[node] < 0)
                {
                    component[stack.Pop()] = node;
                }
            }

            void Enter(int node)
            {
                order[node] = low[node] = ++next;
                stack.Push(node);
                path.Push((node, 0));
            }
        }

        // What is in a component already lies behind us and says nothing about this one.
        int LowOf(int node) => component[node] < 0 ? low[node] : int.MaxValue;
    }

    private static ImmutableArray<DeviceDriver> Drivers(ImmutableArray<DeviceFacts> devices, ImmutableArray<DeviceDriver> modelled)
    {
        var drivers = modelled.Where(driver => devices.Any(driver.Matches)).ToList();
        foreach (var device in devices)
        {
            if (device.IsIommu || device.Node.Compatible.IsEmpty || !device.Node.Enabled || drivers.Exists(driver => driver.Matches(device)))
            {
                continue;
            }

            drivers.Add(device switch
            {
                { Functions.IsEmpty: false } => new PciHost(device.Node.Compatible[0]),
                { Iommus.IsEmpty: true, Host: < 0 } => new GenericSupplier(device.Node.Compatible[0]),
                _ => new GenericClient(device.Node.Compatible[0]),
            });
        }

        return [.. drivers];
    }

    private static int DriverOf(DeviceFacts device, ImmutableArray<DeviceDriver> drivers)
    {
        for (var number = 0; device.Node.Enabled && number < drivers.Length; number++)
        {
            if (drivers[number].Matches(device))
            {
                return number;
            }
        }

        return -1;
    }

    private static void CheckDrivers(BootPlan plan, ImmutableArray<DeviceDriver> drivers)
    {
        foreach (var asked in plan.Drivers)
        {
            var driver = drivers.FirstOrDefault(driver => driver.Name == asked.Driver)
                ?? throw new BootPlanException($"no device here has the driver '{asked.Driver}'; the drivers are {string.Join(", ", drivers.Select(driver => driver.Name))}");
            foreach (var (name, value) in asked.Switches)
            {
                CheckSwitch(driver, name, value);
            }

            CheckNeeds(plan, drivers, asked, []);
        }

        if (plan.Clients.Switches.Keys.FirstOrDefault() is { } lost)
        {
            throw new BootPlanException($"clients have no switch '{lost}'; a switch belongs to one driver, under `drivers`");
        }
    }

    private static void CheckSwitch(DeviceDriver driver, string name, string value)
    {
        var found = driver.Switches.FirstOrDefault(each => each.Name == name)
            ?? throw new BootPlanException($"driver {driver.Name} has no switch '{name}'; it has {string.Join(", ", driver.Switches.Select(each => each.Name).DefaultIfEmpty("none"))}");
        if (!found.Takes(value))
        {
            throw new BootPlanException($"switch '{name}' of driver {driver.Name} is '{value}'; it is {found.Values}");
        }
    }

    private static void CheckNeeds(BootPlan plan, ImmutableArray<DeviceDriver> drivers, DriverPlan asked, ImmutableArray<string> above)
    {
        if (above.Contains(asked.Driver))
        {
            throw new BootPlanException($"the modules {string.Join(", ", above)} need each other in a circle; no kernel builds that");
        }

        foreach (var needed in asked.Needs)
        {
            if (!drivers.Any(driver => driver.Name == needed))
            {
                throw new BootPlanException($"driver {asked.Driver} needs '{needed}', which no device here has; the drivers are {string.Join(", ", drivers.Select(driver => driver.Name))}");
            }

            if (plan.Drivers.FirstOrDefault(other => other.Driver == needed) is { } next)
            {
                CheckNeeds(plan, drivers, next, above.Add(asked.Driver));
            }
        }
    }
}
