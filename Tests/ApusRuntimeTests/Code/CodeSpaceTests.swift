import ApusABI
import ApusAssembler
import ApusCollections
import ApusFormat
import CApusHost
import Testing

@testable import ApusRuntime

/// Code that is put beside other code while that runs.
@Suite struct CodeSpaceTests {
    /// Makes functions that give numbers.
    private struct Numbers: FunctionCompiler {
        func heat(ofBody body: FunctionBody) -> Int32 { 7 }
        func compile(_ index: Int, of module: LoadedModule) throws {}
        func isHot(
            _ index: Int, at loop: Int?, in outermost: Int?, of module: LoadedModule
        ) -> LoopEntry? { nil }
    }

    private static func module(_ count: Int) throws -> LoadedModule {
        let functions = Array(repeating: TestFunction.unreachable, count: count)
        return try LoadedModule(
            DecodedModule(parts(functions)), compiledBy: Numbers(), writesTables: false,
            in: makeEnvironment())
    }

    /// The code of function `index`, which gives `number` and has `bytes` bytes or a few more.
    private static func batch(
        _ index: Int, _ number: UInt64, bytes: Int = 0, _ tier: CodeTier = .baseline
    ) -> CodeBatch {
        var batch = CodeBatch()
        batch.tier = tier
        var function = CompiledFunction(index: UInt32(index), behind: batch.sites)
        batch.code.moveImmediate(.rax, number)
        batch.code.ret()
        batch.code.nop(bytes: bytes)
        function.end(codeEnd: batch.code.count, batch.sites, relocationCount: 0)
        batch.functions.append(function)
        return batch
    }

    @Test func functionsAreCalledWhereTheirCodeIs() throws {
        let module = try Self.module(100)
        for index in 0..<100 {
            module.direct(index, to: try module.makeImage(Self.batch(index, UInt64(index))))
        }
        let store = try RuntimeStore(module.environment)
        let state = try store.instantiate(Imports([], for: module, in: store))
        let guest = Guest(store: store, state: state)
        for index in [0, 1, 57, 99] { #expect(try guest.call("f\(index)") == Int64(index)) }
    }

    @Test func imagesLieInReachOfEachOther() throws {
        let module = try Self.module(10)
        var images: [CodeImage] = []
        for index in 0..<10 {
            images.append(try module.makeImage(Self.batch(index, 0, bytes: 5000 * index)))
        }
        let bases = images.map(\.base)
        #expect(bases.max()! - bases.min()! < 1 << 30)
        #expect(bases.allSatisfy { $0 % 64 == 0 })
        for image in images {
            let found = CodeRegistry.shared.code(at: image.base)
            #expect(found?.image === image && found?.module === module)
            let end = CodeRegistry.shared.code(at: image.base &+ UInt(image.codeBytes))
            #expect(end?.image === image)
            #expect(apus_code_covers(image.base) != 0)
        }
    }

    /// Functions that several threads make at once are announced each at its own place, so traps in
    /// them are known, and what is forgotten when one goes are its own.
    @Test func threadsMakeCodeAtOnce() async throws {
        let module = try Self.module(1)
        let images = try await withThrowingTaskGroup(of: [CodeImage].self) { group in
            for thread in 0..<4 {
                group.addTask {
                    try (0..<1500).map { number in
                        try module.makeImage(Self.batch(0, UInt64(thread), bytes: number % 90))
                    }
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        func check(_ images: [CodeImage]) {
            let known = images.count { image in
                let slice = unsafe apus_code_at(image.base &+ UInt(image.codeBytes))
                let found = CodeRegistry.shared.code(at: image.base)?.image
                return unsafe slice.start == image.base && found === image
            }
            #expect(known == images.count)
        }
        check(images)
        var rest = images
        rest.removeAll { $0.base / 64 % 2 == 0 }
        check(rest)
    }

    /// Each chunk is a mapping, which all guests of a process have too few of for one to have as
    /// many as it has pages of code.
    @Test func muchCodeTakesFewMappings() throws {
        let module = try Self.module(1)
        var images: [CodeImage] = []
        for _ in 0..<3000 {
            images.append(try module.makeImage(Self.batch(0, 1, bytes: 10_000)))
        }
        #expect(Set(images.compactMap { $0.chunk?.base }).count < 250)
        let found = images.count { CodeRegistry.shared.code(at: $0.base)?.image === $0 }
        #expect(found == images.count)
    }

    /// A call may be the last instruction of code that fills its chunk: its return address is in no
    /// other chunk.
    @Test(arguments: [16 << 10, 32 << 10])
    func returnAddressesLieInTheChunk(size: Int) throws {
        let module = try Self.module(1)
        for missing in 0...1 {
            let short = Self.batch(0, 1).bytes.count
            let batch = Self.batch(0, 1, bytes: size - missing - short)
            #expect(batch.bytes.count == size - missing)
            let image = try module.makeImage(batch)
            let next = try module.makeImage(Self.batch(0, 2))
            #expect(next.base != image.base &+ UInt(image.codeBytes))
            let end = CodeRegistry.shared.code(at: image.base &+ UInt(image.codeBytes))
            #expect(end?.image === image)
        }
    }

    @Test func addressSpaceIsGivenBack() async {
        // Mappings of the whole process are counted.
        await #expect(processExitsWith: .success) {
            let module = try CodeSpaceTests.module(1)
            let first = try module.makeImage(CodeSpaceTests.batch(0, 1, bytes: 40_000)).base
            // Nobody holds the images: each takes the place of the one before, once the chunk
            // that is being filled is another one.
            var bases: Set<UInt> = [first]
            let mappings = apus_live_mappings()
            for number in 0..<1000 {
                let batch = CodeSpaceTests.batch(0, UInt64(number), bytes: 40_000)
                bases.insert(try module.makeImage(batch).base)
            }
            #expect(bases.count < 10)
            #expect(apus_live_mappings() <= mappings + 1)
        }
    }

    @Test func tooMuchCodeIsRefused() throws {
        let module = try Self.module(1)
        #expect(throws: ResourceError.self) {
            _ = try module.makeImage(Self.batch(0, 1, bytes: 1 << 26))
        }
        // Small code still fits.
        #expect(throws: Never.self) { _ = try module.makeImage(Self.batch(0, 1)) }
    }

    /// However much is made to be faster, there is room for what is called for the first time.
    @Test func optimizedCodeLeavesRoom() throws {
        let module = try Self.module(1)
        var images: [CodeImage] = []
        var error: (any Error)?
        while error == nil {
            do {
                let batch = Self.batch(0, 1, bytes: 4 << 20, .optimizing)
                images.append(try module.makeImage(batch))
            } catch let refusal { error = refusal }
        }
        #expect(error is ResourceError)
        #expect(images.count >= 3)
        for _ in 0..<7 {
            images.append(try module.makeImage(Self.batch(0, 1, bytes: 4 << 20)))
        }
    }

    /// Every request to the system may fail: then there is an error, and nothing is left.
    @Test func everyRequestMayFail() async {
        // Requests and mappings of the whole process are counted.
        await #expect(processExitsWith: .success) {
            var failures = 0
            for count in 1..<40 {
                let module = try CodeSpaceTests.module(1)
                let mappings = apus_live_mappings()
                let allocations = apus_live_allocations()
                apus_fail_request(Int64(count))
                let image = try? module.makeImage(CodeSpaceTests.batch(0, 1))
                let isUnused = apus_requests_until_failure() > 0
                apus_fail_request(0)
                if isUnused {
                    #expect(image != nil)
                    break
                }
                failures += 1
                #expect(image == nil)
                #expect(apus_live_mappings() == mappings)
                #expect(apus_live_allocations() == allocations)
                #expect(throws: Never.self) {
                    _ = try module.makeImage(CodeSpaceTests.batch(0, 2))
                }
            }
            #expect(failures >= 2)
        }
    }

    /// Adds code of function `index` that counts calls at these places of its body.
    private static func addCounting(
        _ index: UInt32, at offsets: [UInt32], to module: LoadedModule
    ) throws -> CodeImage {
        var batch = CodeBatch()
        var function = CompiledFunction(index: index, behind: batch.sites)
        for offset in offsets {
            let place = batch.code.incrementRelative(.w32)
            batch.relocations.append(
                CodeRelocation(.hits, codeOffset: place, function: index, bodyOffset: offset))
        }
        batch.code.ret()
        function.end(
            codeEnd: batch.code.count, batch.sites, relocationCount: offsets.count)
        batch.functions.append(function)
        return try module.makeImage(batch)
    }

    /// Calls are found in whichever order code comes that counts them.
    @Test func countsComeInAnyOrder() throws {
        let module = try Self.module(3)
        for offset: UInt32 in [70, 5, 90, 40] {
            _ = try Self.addCounting(1, at: [offset], to: module)
        }
        let space = try #require(module.code.space)
        let places = space.counts(ofFunction: 1)
        #expect(places.map(\.bodyOffset) == [5, 40, 70, 90])
        #expect(Set(places.map(\.address)).count == 4)
    }

    /// Code that counts two calls: their counts lie in reach, are found by the calls, and stay
    /// where they are when more code comes.
    @Test func countsOfCallsHaveAPlace() throws {
        let module = try Self.module(3)
        // The same call may be in the code twice.
        let image = try Self.addCounting(1, at: [70, 5, 70], to: module)
        module.direct(1, to: image)
        let space = try #require(module.code.space)
        let places = space.counts(ofFunction: 1)
        #expect(places.map(\.bodyOffset) == [5, 70])
        #expect(module.countedCalls(ofFunction: 1) == [])
        module.restoreCounts(
            CountedCall(bodyOffset: 70, function: 2, hits: 9, misses: 4), ofFunction: 1)
        module.restoreCounts(
            CountedCall(bodyOffset: 6, function: 2, hits: 9, misses: 4), ofFunction: 1)
        module.restoreCounts(
            CountedCall(bodyOffset: 5, function: 3, hits: 9, misses: 4), ofFunction: 1)
        let store = try RuntimeStore(module.environment)
        let state = try store.instantiate(Imports([], for: module, in: store))
        _ = try Guest(store: store, state: state).call("f1")
        let counted = [CountedCall(bodyOffset: 70, function: 2, hits: 11, misses: 4)]
        #expect(module.countedCalls(ofFunction: 1) == counted)
        #expect(module.countedCalls(ofFunction: 1, leastHits: 11, leastShare: 73) == counted)
        #expect(module.countedCalls(ofFunction: 1, leastHits: 12, leastShare: 1) == [])
        #expect(module.countedCalls(ofFunction: 1, leastHits: 1, leastShare: 74) == [])
        for index in [0, 2] as [UInt32] {
            // More than a page of them.
            let more = try Self.addCounting(
                index, at: (0..<2000).map { $0 * 3 }, to: module)
            #expect(space.counts(ofFunction: Int(index)).count == 2000)
            #expect(more.base.distance(to: places[0].address).magnitude < 1 << 31)
        }
        #expect(space.counts(ofFunction: 1).map(\.address) == places.map(\.address))
        #expect(space.counts(ofFunction: 7).isEmpty)
    }
}
