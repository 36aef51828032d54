import Apus
import Foundation

/// Modules that come and go, each with data, and with functions of types that no other one has:
/// what they leave behind.
enum ModulesBenchmark {
    /// Functions that each module exports, and as many that it imports.
    private static let functionCount = 5

    private static func type(_ number: Int) -> String {
        (0..<24).map { number >> $0 & 1 == 0 ? "i32" : "i64" }.joined(separator: " ")
    }

    private static func text(_ number: Int) -> String {
        let first = number * 2 * functionCount
        let imports = (0..<functionCount).map {
            "(import \"m\" \"i\($0)\" (func (param \(type(first + $0)))))"
        }
        let exports = (0..<functionCount).map {
            "(func (export \"f\($0)\") (param \(type(first + functionCount + $0))))"
        }
        return """
            (module \(imports.joined()) (memory 1) (data (i32.const 100) "data")
              (func (export "f") (result i32) (i32.load (i32.const 100)))
              \(exports.joined()))
            """
    }

    /// Loads a module, instantiates it, calls two of its functions, and drops it all.
    private static func life(_ number: Int, _ engine: Engine) throws {
        let module = try Module(engine, text: text(number))
        var linker = Linker(engine)
        for item in module.imports {
            guard case .function(let type) = item.type else { continue }
            linker.define(item.module, item.name, type: type) { _, _ in [] }
        }
        let instance = try linker.instantiate(module, in: Store(engine))
        let function = try instance.function("f0")
        _ = try function.call(function.type.parameters.compactMap(Value.zero))
        let data = try instance.function("f", as: (() -> Int32).self)()
        precondition(data == 0x6174_6164)
    }

    private static var mappingCount: Int {
        let maps = try? String(contentsOfFile: "/proc/self/maps", encoding: .utf8)
        return maps?.split(separator: "\n").count ?? 0
    }

    /// `count` modules, one after the other.
    static func run(_ count: Int) throws {
        for compiler in Engine.Compiler.allCases {
            var configuration = Engine.Configuration()
            configuration.compiler = compiler
            configuration.compilationThreads = 1
            let engine = Engine(configuration)
            let warmUp = min(1000, count / 10)
            for number in 0..<warmUp { try life(number, engine) }
            let bytes = ProcessUsage.residentBytes
            let descriptors = ProcessUsage.descriptorCount
            let mappings = mappingCount
            let start = ContinuousClock.now
            for number in warmUp..<warmUp + count { try life(number, engine) }
            let seconds = Stopwatch.seconds(start.duration(to: .now))
            print(
                compiler.rawValue, count, "modules loaded and dropped,",
                String(format: "%.1f us each,", seconds / Double(count) * 1e6),
                "resident memory", ProcessUsage.residentBytes - bytes, "bytes more,",
                "descriptors", ProcessUsage.descriptorCount - descriptors, "more, mappings",
                mappingCount - mappings, "more")
        }
    }
}
