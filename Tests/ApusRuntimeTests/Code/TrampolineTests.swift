import ApusABI
import ApusFormat
import CApusHost
import Testing

@testable import ApusRuntime

/// Trampolines are made once for those that have them, and go with the last of these.
@Suite struct TrampolineTests {
    private static let functions: [TestFunction] = [.callImport, .unreachable]

    @Test func sharedOnesStayAsLongAsSomebodyHasThem() throws {
        let cache = try TrampolineCache(HandMadeTrampolines())
        do {
            let first = try cache.trampolines(sixToOne)
            #expect(try cache.trampolines(sixToOne) === first)
            #expect(try cache.trampolines(nothing) !== first)
            #expect(first.entry(.cells) != first.host(.cells))
            #expect(first.entry(.cells) != first.entry(.packed))
            #expect(cache.count == 1)
        }
        #expect(cache.count == 0)
        _ = try cache.trampolines(sixToOne)
        #expect(cache.count == 0)
    }

    /// References are passed alike, whatever they refer to.
    @Test func referencesShareThem() throws {
        let cache = try TrampolineCache(HandMadeTrampolines())
        let functions = try cache.trampolines(FunctionType([.funcref], [.i32]))
        #expect(try cache.trampolines(FunctionType([.externref], [.i32])) === functions)
        #expect(try cache.trampolines(FunctionType([.i64], [.i32])) !== functions)
    }

    @Test func manyThreadsShareThem() async throws {
        let cache = try TrampolineCache(HandMadeTrampolines())
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    (0..<500).allSatisfy { round in
                        let type = FunctionType(Array(repeating: .i64, count: round % 3))
                        guard let made = try? cache.trampolines(type) else { return false }
                        return made.entry(.cells) != 0
                    }
                }
            }
            for await isRight in group { #expect(isRight) }
        }
        #expect(cache.count == 0)
    }

    @Test func modulesHaveTheirOwn() throws {
        let environment = try makeEnvironment()
        var parts = parts(Self.functions, imported: 1)
        let module = try load(Self.functions, parts, in: environment)
        let entry = try module.trampolines.address(.init(.entry, 0, .cells))
        // Behind the module's code.
        let base = try #require(module.image(ofFunction: 1)).base
        #expect(entry >= base &+ UInt(module.codeBytes))
        #expect(entry < base &+ 4096)
        #expect(try module.trampolines.address(.init(.entry, 0, .cells)) == entry)
        #expect(try module.trampolines.address(.init(.host, 0, .cells)) != entry)
        #expect(try module.trampolines.address(.init(.entry, 0, .packed)) != entry)
        // Nobody exports a function of this type: it is made when it is asked for, once.
        let late = try module.trampolines.address(.init(.entry, 1, .cells))
        #expect(late < base || late >= base &+ 4096)
        #expect(try module.trampolines.address(.init(.entry, 1, .cells)) == late)
        #expect(environment.trampolines.count == 0)
        // More of them than there is room for behind the code.
        parts.types = ModuleTypes(
            (0..<300).map { FunctionType(Array(repeating: .i64, count: $0)) })
        for type in parts.types.indices {
            parts.imports.append(
                Import(module: "m", name: "", type: .function(typeIndex: UInt32(type))))
            parts.functions.insert(UInt32(type), at: 0)
        }
        parts.importedFunctionCount = parts.imports.count
        parts.exports = []
        parts.escapingFunctions = []
        let large = try load(Self.functions, parts, in: environment)
        let addresses = try (0..<300).map { type in
            try large.trampolines.address(.init(.host, UInt32(type), .cells))
        }
        #expect(Set(addresses).count == 300)
    }

    @Test func theyGoWithTheirModule() async {
        // Mappings of the whole process are counted.
        await #expect(processExitsWith: .success) {
            let environment = try makeEnvironment()
            let before = apus_live_mappings()
            do {
                let functions = TrampolineTests.functions
                let module = try load(functions, parts(functions, imported: 1), in: environment)
                _ = try module.trampolines.address(.init(.entry, 1, .cells))
                _ = try module.trampolines.address(.init(.host, 1, .cells))
                #expect(apus_live_mappings() == before + 3)
            }
            #expect(apus_live_mappings() == before)
        }
    }
}
