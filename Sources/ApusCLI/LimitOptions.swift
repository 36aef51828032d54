internal import Apus
internal import ArgumentParser

/// The options that bound what a program may use.
struct LimitOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Stop after this long, loading included: 50ms, 2s, 1.5m.", valueName: "DURATION"))
    var timeout: TimeLimit?

    @Option(
        help: ArgumentHelp(
            "Stop the program after about this many instructions, always at the same one.",
            discussion: "What it has this machine do costs by its size: each call 512, or more.",
            valueName: "N"))
    var fuel: UInt64?

    @Option(
        help: ArgumentHelp(
            "The most that all its memories may have: 64MiB, 1.5GiB, 65536.", valueName: "BYTES"))
    var maxMemory: ByteCount?

    @Option(help: ArgumentHelp("The most elements that all its tables may have.", valueName: "N"))
    var maxTableElements: UInt64?

    @Option(help: ArgumentHelp("The most instances there may be.", valueName: "N"))
    var maxInstances: Int?

    @Option(
        help: ArgumentHelp("The most stack it may use: 256KiB, 4MiB.", valueName: "BYTES"))
    var maxStack: ByteCount?

    @Option(
        help: ArgumentHelp(
            "The most machine code that a module may become: 64MiB.", valueName: "BYTES"))
    var maxCode: ByteCount?

    func validate() throws {
        if let maxInstances, maxInstances < 0 {
            throw ValidationError("--max-instances needs a number of at least 0")
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
