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
}
