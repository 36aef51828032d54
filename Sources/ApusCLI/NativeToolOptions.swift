internal import Apus
internal import ArgumentParser

/// The options that tell native tools of a program's code.
struct NativeToolOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Tell perf of the program's functions: --perf map, by name, or --perf jitdump, with "
                + "code and lines.",
            discussion: """
                map writes /tmp/perf-PID.map, which `perf report` finds by itself; jitdump writes \
                jit-PID.dump here, for `perf record -k mono` and `perf inject --jit`.
                """, valueName: "HOW"))
    var perf: PerfInterface?

    @Flag(
        help: ArgumentHelp(
            "Tell GDB or LLDB of the program's functions, lines and variables.",
            discussion: """
                Unless --compiler says optimizing, functions are compiled by the baseline \
                compiler, and all at the start: gdb --args apus run --debug program.wasm.
                """))
    var debug = false

    /// Which tools are to be told.
    var chosen: Engine.NativeTools {
        var tools: Engine.NativeTools = []
        switch perf {
        case .map: tools.insert(.perfMap)
        case .jitdump: tools.insert(.jitDump)
        case nil: break
        }
        if debug { tools.formUnion([.debugger, .unwinding]) }
        return tools
    }

    /// Sets the tools of an engine, whose compiler has been chosen.
    func apply(to configuration: inout Engine.Configuration) {
        configuration.nativeTools = chosen
        // A debugger is to know all functions from the start.
        if debug, configuration.compiler == .tiered { configuration.compiler = .baseline }
    }
}

/// How perf is told of functions.
enum PerfInterface: String, CaseIterable, ExpressibleByArgument {
    case map
    case jitdump
}
