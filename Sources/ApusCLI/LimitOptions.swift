internal import Apus
internal import ArgumentParser

/// The options that bound what a program may use.
struct LimitOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Stop after this long, loading included: 50ms, 2s, 1m30s.", valueName: "DURATION"))
    var timeout: TimeLimit?

    @Option(
        help: ArgumentHelp(
            "Stop the program after about this many instructions, always at the same one: "
                + "--fuel 1000000.",
            discussion: "What it has this machine do costs by its size: each call 512, or more.",
            valueName: "N"))
    var fuel: UInt64?

    @Option(
        help: ArgumentHelp(
            "The most that all its memories may have: 64MiB, 1g, 65536.", valueName: "BYTES"))
    var maxMemory: ByteCount?

    @Option(
        help: ArgumentHelp(
            "The most elements that all its tables may have: --max-table-elements 1000.",
            valueName: "N"))
    var maxTableElements: UInt64?

    @Option(
        help: ArgumentHelp(
            "The most that its heap of garbage-collected objects may have: 64MiB.",
            valueName: "BYTES"))
    var maxHeap: ByteCount?

    @Option(
        help: ArgumentHelp(
            "The most memories there may be: --max-memories 4.", valueName: "N"))
    var maxMemories: Int?

    @Option(
        help: ArgumentHelp("The most tables there may be: --max-tables 4.", valueName: "N"))
    var maxTables: Int?

    @Option(
        help: ArgumentHelp("The most instances there may be: --max-instances 2.", valueName: "N"))
    var maxInstances: Int?

    @Option(
        help: ArgumentHelp(
            "The most threads it may have, the first one included: --max-threads 8.",
            valueName: "N"))
    var maxThreads: Int?

    @Option(
        help: ArgumentHelp("The most stack it may use: 256KiB, 4MiB.", valueName: "BYTES"))
    var maxStack: ByteCount?

    @Option(
        help: ArgumentHelp(
            "The most machine code that a module may become: 64MiB.", valueName: "BYTES"))
    var maxCode: ByteCount?

    func validate() throws {
        for (name, count) in [
            ("instances", maxInstances), ("memories", maxMemories), ("tables", maxTables),
        ] {
            guard let count, count < 0 else { continue }
            throw ValidationError("--max-\(name) needs a number of at least 0")
        }
        if let maxThreads, maxThreads < 1 {
            throw ValidationError("--max-threads needs a number of at least 1")
        }
        if let maxStack, maxStack.bytes < 16 << 10 {
            throw ValidationError("--max-stack needs at least 16KiB")
        }
    }

    /// The limits of the program's store.
    private var limits: Limits {
        var limits = Limits()
        if let maxMemory { limits.memoryBytes = maxMemory.bytes }
        if let maxTableElements { limits.tableElements = maxTableElements }
        if let maxHeap { limits.heapBytes = maxHeap.bytes }
        if let maxMemories { limits.memories = maxMemories }
        if let maxTables { limits.tables = maxTables }
        if let maxInstances { limits.instances = maxInstances }
        if let maxStack { limits.stackBytes = Int(clamping: maxStack.bytes) }
        if let maxCode { limits.codeBytes = Int(clamping: maxCode.bytes) }
        limits.fuel = fuel
        return limits
    }

    /// Makes an engine whose stores have the limits.
    func apply(to configuration: inout Engine.Configuration) {
        let limits = limits
        configuration.limits = limits
        configuration.isFuelMetered = fuel != nil
        // Who allows more than usual in all allows it to one memory or table.
        configuration.memoryBytesLimit = max(configuration.memoryBytesLimit, limits.memoryBytes)
        configuration.tableElementsLimit = max(
            configuration.tableElementsLimit, limits.tableElements)
    }

    /// When the program is to be stopped, if its time began at `start`.
    func deadline(since start: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        timeout.map { start + $0.duration }
    }

    /// Lets guests of `store` have what is left of the time that began at `start`.
    func limit(_ store: Store, since start: ContinuousClock.Instant) {
        if let timeout { store.setDeadline(after: timeout.duration, since: start) }
    }
}

/// What a limit that stopped a program is called here, and its value.
extension LimitOptions {
    /// Why `trap` is the end of a program that ran for too long; nil if it is not.
    func timeoutReason(of trap: Trap) -> String? {
        guard trap.code == .interrupted, let timeout else { return nil }
        return "timeout: stopped after --timeout \(timeout.text)"
    }

    /// Why a program ended whose time was over when it had been compiled.
    var compilationTimeoutReason: String? {
        timeout.map { "timeout: stopped after --timeout \($0.text), while it was compiled" }
    }

    /// The limit that `trap` is about; nil if it is about none.
    func limit(behind trap: Trap) -> String? {
        switch trap.code {
        case .outOfFuel: fuel.map { "--fuel is \($0)" }
        case .stackExhausted:
            "--max-stack is \(maxStack?.text ?? ByteCount.text(stackBytes))"
        case .heapExhausted, .allocationTooLarge:
            "--max-heap is \(maxHeap?.text ?? ByteCount.text(limits.heapBytes))"
        default: nil
        }
    }

    /// `error` with the limit that it is about; nil if it is about none.
    func explained(_ error: any Error) -> String? {
        let resource = (error as? ModuleFileError)?.error
        guard let resource = resource ?? error as? ResourceError, resource.limit != nil else {
            return nil
        }
        let option: (name: String, value: String)? =
            switch resource.resource {
            case .storeMemory: ("memory", maxMemory?.text ?? ByteCount.text(limits.memoryBytes))
            case .storeTables: ("table-elements", "\(limits.tableElements)")
            case .memoryCount: ("memories", "\(limits.memories)")
            case .tableCount: ("tables", "\(limits.tables)")
            case .instances: ("instances", "\(limits.instances)")
            case .moduleCode: maxCode.map { ("code", $0.text) }
            default: nil
            }
        return option.map { "\(error); --max-\($0.name) is \($0.value)" }
    }

    private var stackBytes: UInt64 { UInt64(clamping: limits.stackBytes) }
}
