internal import Apus
internal import ArgumentParser

/// Where instances of a program's modules come from.
struct PoolingOption: ParsableArguments {
    @Flag(
        help: """
            Take instances from a pool whose memory is reserved at the start, each with a memory \
            and a table, or as many as --max-memories and --max-tables name: --pooling.
            """)
    var pooling = false

    /// Each place in the pool has what most modules define, or as much as `limits` name.
    func apply(_ limits: ProgramLimits, to configuration: inout Engine.Configuration) {
        guard pooling else { return }
        var pool = Engine.Pool(instances: 100)
        pool.memoriesPerInstance = min(max(limits.maxMemories ?? 1, 1), Self.mostPerInstance)
        pool.tablesPerInstance = min(max(limits.maxTables ?? 1, 1), Self.mostPerInstance)
        configuration.allocator = .pooling(pool)
    }

    /// Memories and tables of an instance, all of which take address space in each place.
    private static var mostPerInstance: Int { 16 }
}
