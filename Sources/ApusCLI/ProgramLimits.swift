internal import Apus
internal import ApusWASI

/// What a program may use, as the command line has it; nil: what Apus takes for enough.
struct ProgramLimits {
    var timeout: TimeLimit?
    var fuel: UInt64?
    var maxMemory: ByteCount?
    var maxTableElements: UInt64?
    var maxHeap: ByteCount?
    var maxMemories: Int?
    var maxTables: Int?
    var maxInstances: Int?
    var maxThreads: Int?
    var maxStack: ByteCount?
    var maxCode: ByteCount?

    /// How many threads it may have at once, the first one included.
    var threadLimit: Int { maxThreads ?? WASI().threadLimit }

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
extension ProgramLimits {
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

    /// `error` with the limit that it is about, or the option that helps; nil if there is none.
    func explained(_ error: any Error) -> String? {
        let resource = (error as? ModuleFileError)?.error
        guard let resource = resource ?? error as? ResourceError else { return nil }
        if resource.resource == .addressSpace {
            // What helps against that has a name here.
            return "\(error)".replacing(
                "engines whose configuration says `alwaysChecksBounds` need",
                with: "--check-bounds needs")
        }
        guard resource.limit != nil else { return nil }
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
