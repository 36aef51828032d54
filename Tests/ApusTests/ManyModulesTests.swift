import Foundation
import Testing

@testable import Apus
@testable import ApusRuntime

/// Modules that come and go, and many at once.
struct ManyModulesTests {
    /// A module with data, and with functions of types that no other one has.
    private static func text(_ number: Int) -> String {
        func type(_ function: Int) -> String {
            let bits = number * 8 + function
            return (0..<16).map { bits >> $0 & 1 == 0 ? "i32" : "f64" }.joined(separator: " ")
        }
        let imports = (0..<4).map { "(import \"m\" \"i\($0)\" (func (param \(type($0)))))" }
        let exports = (4..<8).map { "(func (export \"f\($0)\") (param \(type($0))))" }
        return """
            (module \(imports.joined()) (memory 1) (data (i32.const \(number)) "data")
              (func (export "f") (result i32) (i32.load (i32.const \(number))))
              \(exports.joined()))
            """
    }

    private static func run(_ number: Int, _ engine: Engine) throws -> Module {
        let module = try Module(engine, text: text(number))
        var linker = Linker(engine)
        for item in module.imports {
            guard case .function(let type) = item.type else { continue }
            linker.define(item.module, item.name, type: type) { _, _ in [] }
        }
        let store = Store(engine)
        let instance = try linker.instantiate(module, in: store)
        let load = try instance.function("f", as: (() -> Int32).self)
        #expect(try load() == 0x6174_6164)
        let function = try Function(store, instance.function("f5").type) { _, _ in [] }
        let zeros = function.type.parameters.compactMap(Value.zero)
        #expect(try instance.function("f5").call(zeros).isEmpty)
        #expect(try function.call(zeros).isEmpty)
        return module
    }

    private static func lines(_ path: String) -> Int {
        (try? String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").count) ?? 0
    }

    private static var descriptors: Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
    }

    /// In a process of its own, so that what is measured is its own.
    @Test func modulesThatAreDroppedLeaveNothing() async {
        await #expect(processExitsWith: .success) {
            stopKeepingErrors()
            let engine = Engine()
            for number in 0..<100 { _ = try ManyModulesTests.run(number, engine) }
            let bytes = residentBytes()
            let maps = ManyModulesTests.lines("/proc/self/maps")
            let descriptors = ManyModulesTests.descriptors
            for number in 100..<800 { _ = try ManyModulesTests.run(number, engine) }
            // Had each left a page, it would be more.
            #expect(residentBytes() - bytes < 2 << 20)
            #expect(ManyModulesTests.lines("/proc/self/maps") - maps < 20)
            #expect(ManyModulesTests.descriptors <= descriptors)
        }
    }

    @Test func manyModulesTakeFewDescriptors() async {
        await #expect(processExitsWith: .success) {
            let engine = Engine(.init(allocator: .onDemand(.init(idleInstances: 0))))
            let before = ManyModulesTests.descriptors
            let modules = try (0..<300).map { try ManyModulesTests.run($0, engine) }
            #expect(ManyModulesTests.descriptors - before < 100)
            for (number, module) in modules.enumerated() {
                var linker = Linker(engine)
                for item in module.imports {
                    guard case .function(let type) = item.type else { continue }
                    linker.define(item.module, item.name, type: type) { _, _ in [] }
                }
                let instance = try linker.instantiate(module, in: Store(engine))
                #expect(
                    try instance.function("f", as: (() -> Int32).self)() == 0x6174_6164,
                    "\(number)")
            }
            #expect(ManyModulesTests.descriptors - before < 100)
        }
    }

    /// What could not be made keeps no type of a module that goes.
    @Test(arguments: ["table", "array"]) func whatFailsKeepsNoTypes(kind: String) throws {
        let engine = Engine(.init(allocator: .onDemand(.init(idleInstances: 0))))
        let store = Store(engine, limits: Limits(tableElements: 10, heapBytes: 1 << 20))
        func fail() throws {
            let module = try Module(
                engine,
                text: """
                    (module (type $bytes (array (mut i64)))
                      (func (export "f") (result (ref null $bytes)) (ref.null $bytes)))
                    """)
            // The store keeps its instances, and so their types.
            let function = try Instance(Store(engine), module).function("f")
            let type = try #require(function.type.results.first)
            for _ in 0..<3 {
                if kind == "table" {
                    let limits = SizeLimits(minimum: 11, maximum: nil)
                    #expect(throws: ResourceError.self) {
                        try Table(store, TableType(element: type, limits: limits))
                    }
                } else {
                    let values = Array(repeating: Value.i64(0), count: 1_000_000)
                    #expect(throws: Trap.self) { try ArrayObject(store, type, values) }
                }
            }
        }
        let before = try store.runtime.environment.types.count
        try fail()
        #expect(try store.runtime.environment.types.count == before)
    }
}
