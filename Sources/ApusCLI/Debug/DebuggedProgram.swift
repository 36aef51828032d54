@_spi(ApusCLI) internal import Apus
internal import ApusWASI

/// A program that is debugged: its module, its store, and its text for those of its functions of
/// which no source is known.
final class DebuggedProgram {
    let launch: DebugLaunch
    let module: Module
    let store: Store
    let debugger: Debugger
    let text: ModuleText

    init(
        _ launch: DebugLaunch,
        _ onStop: @escaping (Debugger.Stop) throws -> Debugger.Resumption
    ) throws {
        guard let path = launch.module else {
            throw DebugRequestError("which program? 'program' names none")
        }
        self.launch = launch
        var configuration = Engine.Configuration()
        configuration.isDebuggable = true
        let engine = Engine(configuration)
        module = try ModuleFile(path).compile(engine)
        store = Store(engine)
        debugger = try Debugger(store, onStop: onStop)
        text = ModuleText(module)
    }

    /// Runs it, and has `output` told what it writes; its status.
    func run(_ output: @escaping @Sendable (JSON) -> Void) -> Int32 {
        func report(_ text: String) {
            output(["category": "stderr", "output": .string(text + "\n")])
        }
        do {
            var wasi = WASI()
            try wasi.grant(launch.grants)
            let name = launch.module.map { $0.split(separator: "/").last.map(String.init) ?? $0 }
            wasi.argumentBytes = ([name ?? ""] + launch.arguments).map(HostText.bytes)
            wasi.standardOutput = .handler(Self.event(output, "stdout"))
            wasi.standardError = .handler(Self.event(output, "stderr"))
            return try wasi.run(module, in: store)
        } catch let trap as Trap {
            // Who has it stopped knows that.
            if trap.interruption == nil { report(trap.description) }
            return Outcome.trapStatus
        } catch is DebugEnd {
            return Outcome.trapStatus
        } catch {
            report("\(error)")
            return error is WasmException ? Outcome.trapStatus : Outcome.failureStatus
        }
    }

    /// Makes events of pieces of a guest's output. What is cut within a letter waits for the rest.
    private static func event(
        _ output: @escaping @Sendable (JSON) -> Void, _ category: String
    ) -> @Sendable ([UInt8]) -> Void {
        let decoder = OutputDecoder()
        return { bytes in
            let text = decoder.text(bytes)
            guard !text.isEmpty else { return }
            output(["category": .string(category), "output": .string(text)])
        }
    }
}

/// Ends a guest whose client wants that.
struct DebugEnd: Error {}
