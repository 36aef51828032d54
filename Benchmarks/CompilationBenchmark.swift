import ApusABI
import ApusBaseline
import ApusCollections
import ApusFormat
import Foundation

/// How fast modules are decoded, validated and compiled, on one thread.
///
/// Decoding is counted over the bytes of the whole module, validating and compiling over the bytes
/// of its functions' bodies. Compiling includes validating, as it does in use.
enum CompilationBenchmark {
    static func run(_ files: [URL]) throws {
        print(row("module", "code kB", "decode", "validate", "compile", "x86/wasm"))
        var sum = Figures()
        for file in files {
            do {
                let figures = try measure(ByteStorage(Array(Data(contentsOf: file))))
                print(figures.row(named: name(of: file)))
                sum.add(figures)
            } catch {
                print("\(name(of: file)): \(error)")
            }
        }
        print(sum.row(named: "all"))
        print("decode: MB of module per second; validate, compile: MB of bodies per second")
    }

    private struct Figures {
        var moduleBytes = 0.0
        var bodyBytes = 0.0
        var codeBytes = 0.0
        var decode = 0.0
        var validate = 0.0
        var compile = 0.0

        mutating func add(_ other: Figures) {
            moduleBytes += other.moduleBytes
            bodyBytes += other.bodyBytes
            codeBytes += other.codeBytes
            decode += other.decode
            validate += other.validate
            compile += other.compile
        }

        func row(named name: String) -> String {
            CompilationBenchmark.row(
                name, number(bodyBytes / 1e3), number(moduleBytes / decode / 1e6),
                number(bodyBytes / validate / 1e6), number(bodyBytes / compile / 1e6),
                number(codeBytes / bodyBytes))
        }

        private func number(_ value: Double) -> String { String(format: "%.1f", value) }
    }

    /// The file's name, or its folder's where that says more.
    private static func name(of file: URL) -> String {
        let name = file.deletingPathExtension().lastPathComponent
        return name == "module" ? file.deletingLastPathComponent().lastPathComponent : name
    }

    private static func measure(_ bytes: ByteStorage) throws -> Figures {
        let module = try ModuleDecoder.decode(bytes)
        var figures = Figures()
        figures.moduleBytes = Double(bytes.count)
        for body in module.bodies { figures.bodyBytes += Double(body.end - body.start) }
        figures.decode = try Stopwatch.least { _ = try ModuleDecoder.decode(bytes) }
        figures.validate = try Stopwatch.least { try validate(module) }
        var batch = CodeBatch()
        figures.compile = try Stopwatch.least { try compile(module, into: &batch) }
        for index in 0..<batch.functions.count {
            figures.codeBytes += Double(batch.functions[index].codeLength)
        }
        return figures
    }

    private static func validate(_ module: DecodedModule) throws {
        try ModuleValidator.validate(module)
        var validator = FunctionValidator(module)
        for index in module.bodies.indices {
            try validator.validate(module.importedFunctionCount + index)
        }
    }

    private static func compile(_ module: DecodedModule, into batch: inout CodeBatch) throws {
        batch = CodeBatch()
        try ModuleValidator.validate(module)
        var validator = FunctionValidator(module)
        var compiler = BaselineCompiler(ModuleEnvironment(module: module))
        for index in module.bodies.indices {
            try validator.validate(module.importedFunctionCount + index)
            try compiler.compile(
                module.importedFunctionCount + index, validator.analysis, into: &batch)
        }
    }

    private static func row(_ name: String, _ columns: String...) -> String {
        let padded = columns.map { String(repeating: " ", count: max(10 - $0.count, 1)) + $0 }
        return name.padding(toLength: 28, withPad: " ", startingAt: 0) + padded.joined()
    }
}
