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
        if let maxStack, maxStack.bytes < 16 << 10 {
            throw ValidationError("--max-stack needs at least 16KiB")
        }
    }

    /// What the options say.
    var chosen: ProgramLimits {
        ProgramLimits(
            timeout: timeout, fuel: fuel, maxMemory: maxMemory, maxTableElements: maxTableElements,
            maxHeap: maxHeap, maxMemories: maxMemories, maxTables: maxTables,
            maxInstances: maxInstances, maxStack: maxStack, maxCode: maxCode)
    }
}
