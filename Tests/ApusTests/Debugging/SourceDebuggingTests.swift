import Apus
import Foundation
import Testing

/// Debugging by the lines and variables of C: `Tests/ApusDWARFTests/Fixtures/variables.c`.
@Suite struct SourceDebuggingTests {
    private final class Log {
        var lines: [String] = []
    }

    private func debugged(
        version: Int, onStop: @escaping (Debugger.Stop) throws -> Debugger.Resumption
    ) throws -> (Debugger, Instance, Module) {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../ApusDWARFTests/Fixtures/variables-\(version).wasm")
        var configuration = Engine.Configuration()
        configuration.isDebuggable = true
        let engine = Engine(configuration)
        let module = try Module(engine, contentsOf: folder.standardized.path)
        let store = Store(engine)
        return (try Debugger(store, onStop: onStop), try Instance(store, module), module)
    }

    @Test(arguments: [4, 5])
    func variablesHaveTheirTypes(version: Int) throws {
        let log = Log()
        let (debugger, instance, module) = try debugged(version: version) { stop in
            let frames = stop.frames()
            for frame in frames.prefix(2) {
                let shown = frame.variables().map { "\($0.typeName) \($0.name) = \($0.text)" }
                log.lines.append("\(frame.name ?? "") \(frame.location?.line ?? 0)")
                log.lines += shown
            }
            let caller = frames[1]
            #expect(try caller.evaluate("size.y").text == "4")
            #expect(try caller.evaluate("*last + 1").text == "5")
            #expect(try caller.evaluate("&size.y == last").text == "1")
            #expect(try caller.evaluate("scale").text == "10")
            #expect(try caller.evaluate("half / 2").text == "0.25")
            #expect(try frames[0].evaluate("size.x * factor").text == "0")
            #expect(throws: Debugger.VariableError.self) { try caller.evaluate("nothing") }
            #expect(throws: Debugger.VariableError.self) { try caller.evaluate("(size") }
            let product = try #require(frames[0].variables().first { $0.name == "product" })
            try product.set("7")
            #expect(product.text == "7")
            return .run
        }
        let places = module.places(ofLine: 11, in: "variables.c")
        #expect(places.map(\.line) == [11])
        #expect(module.sourceFiles == ["/src/variables.c"])
        try debugger.handle.setBreakpoint(at: places[0].offset, in: module)
        #expect(try instance.function("run", as: ((Int32) -> Int32).self)(1) == 5)
        #expect(
            log.lines == [
                "area 11", "point size = {x = 3, y = 4}", "int factor = 0",
                "int product = 12", "int result = 0",
                "run 21", "int count = 1", "point size = {x = 3, y = 4}",
                "double half = 0.5", "int * last = 0xffff4", "int total = 0", "int index = 0",
            ])
    }

    @Test func stepsAreLines() throws {
        let log = Log()
        var plan: [Debugger.Step] = [.into, .over, .over, .over, .over, .over, .out]
        let (debugger, instance, module) = try debugged(version: 5) { stop in
            let frame = stop.frames()[0]
            log.lines.append("\(frame.name ?? "") \(frame.location?.line ?? 0)")
            return plan.isEmpty ? .run : .step(plan.removeFirst())
        }
        let place = try #require(module.places(ofLine: 21, in: "/src/variables.c").first)
        try debugger.handle.setBreakpoint(at: place.offset, in: module)
        #expect(try instance.function("run", as: ((Int32) -> Int32).self)(1) == 5)
        #expect(
            log.lines == [
                "run 21", "area 10", "area 11", "area 12", "run 21", "run 22", "run 20",
            ])
    }

    /// Little-endian.
    private static func word(_ value: Int) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    /// A module with a variable `v` at 16, where 16 is written, of the type that is `entries`: its
    /// first one at 24 of the section, of these abbreviations: 3 points to a type, 4 is a structure
    /// `S` with members, 5 a member without a name.
    private static func module(ofType entries: [UInt8]) -> [UInt8] {
        let shapes: [[UInt8]] = [
            [1, 0x11, 1, 0x11, 0x01, 0x12, 0x06, 0x10, 0x17, 0, 0],
            [2, 0x2E, 1, 0x11, 0x01, 0x12, 0x06, 0x03, 0x08, 0, 0],
            [3, 0x0F, 0, 0x49, 0x13, 0x0B, 0x0B, 0, 0],
            [4, 0x13, 1, 0x03, 0x08, 0x0B, 0x0B, 0, 0],
            [5, 0x0D, 0, 0x49, 0x13, 0x38, 0x0B, 0, 0],
            [6, 0x34, 0, 0x03, 0x08, 0x02, 0x18, 0x49, 0x13, 0, 0],
            [0],
        ]
        let code = word(1) + word(1000)
        let variable = [6, 0x76, 0, 5, 3] + word(16) + word(24)
        let tree = [1] + code + word(0) + entries + [2] + code + [0x66, 0] + variable + [0, 0]
        let unit = [4, 0] + word(0) + [4] + tree
        let files: [UInt8] = [0, 0x61, 0, 0, 0, 0, 0]
        let header: [UInt8] = [1, 1, 1, 0xFB, 14, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1] + files
        let program: [UInt8] = [0, 5, 2, 3, 0, 0, 0, 1, 2, 5, 0, 1, 1]
        let lines = [4, 0] + word(header.count) + header + program
        var module = TestModule()
        module.memory(1)
        module.data(at: 16, word(16))
        module.function("f", [])
        module.customSections = [
            (".debug_info", word(unit.count) + unit), (".debug_abbrev", Array(shapes.joined())),
            (".debug_line", word(lines.count) + lines),
        ]
        return module.bytes
    }

    /// A pointer to itself, and a structure with itself as a member without a name.
    @Test(
        arguments: [
            [3, 24, 0, 0, 0, 4], [4, 0x53, 0, 8, 5, 24, 0, 0, 0, 0, 5, 24, 0, 0, 0, 0, 0],
        ] as [[UInt8]])
    func typesThatHaveThemselves(entries: [UInt8]) throws {
        let log = Log()
        var configuration = Engine.Configuration()
        configuration.isDebuggable = true
        let engine = Engine(configuration)
        let module = try Module(engine, bytes: Self.module(ofType: entries))
        let store = Store(engine)
        let debugger = try Debugger(store) { stop in
            let frame = stop.frames()[0]
            log.lines += frame.variables().map(\.name)
            for expression in ["v.x", "v->x", "(*v).x"] {
                #expect(throws: Debugger.VariableError.self) { try frame.evaluate(expression) }
            }
            return .run
        }
        let place = try #require(module.places(ofFunction: "f").first)
        try debugger.handle.setBreakpoint(at: place, in: module)
        try Instance(store, module).function("f", as: (() -> Void).self)()
        #expect(log.lines == ["v"])
    }
}
