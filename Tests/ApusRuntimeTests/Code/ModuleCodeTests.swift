import ApusABI
import ApusFormat
import CApusHost
import Synchronization
import Testing

@testable import ApusRuntime

#if canImport(Glibc)
    import Glibc
#endif

/// Several code images of one module.
@Suite struct ModuleCodeTests {
    /// A guest whose f0 calls the host, and whose f1 gives 1; its functions can be replaced.
    private struct Replaceable {
        let environment: RuntimeEnvironment
        let module: LoadedModule
        let functions: [TestFunction] = [.callImport, .constant(1)]

        init() throws {
            environment = try makeEnvironment()
            module = try load(
                functions, ApusRuntimeTests.parts(functions, imported: 1), .replaceable,
                in: environment)
        }

        func guest(_ host: @escaping (borrowing HostFrame) throws -> Void = { _ in }) throws
            -> Guest
        {
            let store = try RuntimeStore(environment)
            let host = try store.makeHostFunction(sixToOne, host)
            return Guest(
                store: store,
                state: try store.instantiate(
                    Imports([.function(host)], for: module, in: store)))
        }

        /// Other code of both functions, which give `numbers`.
        @discardableResult
        func replace(_ numbers: UInt8...) throws -> CodeImage {
            try module.install(image(numbers.map { .constant($0) }, from: 1))
        }
    }

    @Test func replacedFunctionsAreFoundByWhoHadThem() throws {
        let replaceable = try Replaceable()
        let guest = try replaceable.guest()
        let reference = try #require(guest.function(2))
        let target = try guest.store.target(reference)
        #expect(try guest.call("f1") == 1)
        try replaceable.replace(5, 6)
        var cells = [UInt64](repeating: 0, count: 6)
        var span = cells.mutableSpan
        try guest.store.call(target, &span)
        #expect(cells[0] == 6)
        #expect(try guest.store.call(reference, []) == 6)
        #expect(try guest.call("f0") == 5)
    }

    /// Whoever has the code runs it to its end, and it goes when that has come.
    @Test func codeStaysWhileAGuestIsInIt() throws {
        let replaceable = try Replaceable()
        weak let first = replaceable.module.image(ofFunction: 1)
        var isThere: [Bool] = []
        let guest = try replaceable.guest { frame in
            frame[0] = 77
            try replaceable.replace(5, 6)
            isThere.append(first != nil)
            // In the same call, but in the new code.
            #expect(try frame.store.call(#require(frame.caller?.function(2)), []) == 6)
            isThere.append(first != nil)
        }
        let idle = try replaceable.guest()
        let base = try #require(first).base
        #expect(try guest.call("f0") == 77)
        #expect(isThere == [true, true])
        #expect(first == nil && apus_code_covers(base) == 0)
        #expect(try guest.call("f0") == 5)
        #expect(try idle.call("f1") == 6)
    }

    struct Stop: Error {}

    @Test func backtracesKnowCodeThatIsAboutToGo() throws {
        let replaceable = try Replaceable()
        weak let first = replaceable.module.image(ofFunction: 1)
        let guest = try replaceable.guest { _ in
            try replaceable.replace(5, 6)
            throw Stop()
        }
        #expect(throws: Stop.self) { try guest.call("f0") }
        #expect(first == nil)
        let frames = guest.store.lastBacktrace.frames
        #expect(frames.map(\.functionIndex) == [1] && frames.map(\.bodyOffset) == [27])
        // A trap, too.
        _ = try replaceable.module.install(image([.callImport, .unreachable], from: 1))
        #expect(trap { try guest.call("f1") } == .unreachable)
        #expect(guest.store.lastBacktrace.frames.map(\.functionIndex) == [2])
    }

    @Test func codeStaysWhileAnotherThreadIsInIt() throws {
        let replaceable = try Replaceable()
        weak let first = replaceable.module.image(ofFunction: 1)
        let state = Atomic(0)
        let results = Atomic(UInt64(0))
        try withThread {
            do {
                let guest = try replaceable.guest { frame in
                    frame[0] = 77
                    state.store(1, ordering: .releasing)
                    while state.load(ordering: .acquiring) == 1 { sched_yield() }
                }
                results.store(try guest.call("f0"), ordering: .releasing)
            } catch {
                Issue.record("\(error)")
                state.store(3, ordering: .releasing)
            }
        } meanwhile: {
            while state.load(ordering: .acquiring) == 0 { sched_yield() }
            try replaceable.replace(5, 6)
            #expect(first != nil)
            // Others come and go.
            #expect(try replaceable.guest().call("f1") == 6)
            #expect(first != nil)
            state.store(2, ordering: .releasing)
        }
        #expect(results.load(ordering: .acquiring) == 77)
        #expect(first == nil)
    }

    @Test func functionsAreSwitchedWhileTheyAreCalled() throws {
        let replaceable = try Replaceable()
        let module = replaceable.module
        let first = try #require(module.image(ofFunction: 2))
        let second = try module.install(image([.constant(2)], from: 2))
        let isDone = Atomic(false)
        try withThread {
            for round in 0..<200_000 { module.direct(2, to: round % 2 == 0 ? first : second) }
            isDone.store(true, ordering: .releasing)
        } meanwhile: {
            let guest = try replaceable.guest()
            var seen: Set<UInt64> = []
            while !isDone.load(ordering: .acquiring) {
                for _ in 0..<100 { seen.insert(try guest.call("f1")) }
            }
            #expect(seen.isSubset(of: [1, 2]) && !seen.isEmpty)
        }
        module.direct(2, to: first)
        #expect(try replaceable.guest().call("f1") == 1)
        module.direct(2, to: second)
        #expect(try replaceable.guest().call("f1") == 2)
    }

    /// Guests run code that is replaced all the time, by code that goes as soon as it can.
    @Test func codeIsReplacedWhileItRuns() throws {
        let replaceable = try Replaceable()
        let isDone = Atomic(false)
        try withThread {
            for round in 0..<3000 {
                do {
                    try replaceable.replace(UInt8(round % 200), 9)
                } catch {
                    Issue.record("\(error)")
                }
            }
            isDone.store(true, ordering: .releasing)
        } meanwhile: {
            let guest = try replaceable.guest()
            while !isDone.load(ordering: .acquiring) {
                let result = try guest.call("f1")
                #expect(result == 9 || result == 1)
            }
        }
    }

    @Test func nothingIsLeftOfCodeThatIsReplaced() async {
        // Ranges and mappings of the whole process are counted.
        await #expect(processExitsWith: .success) {
            let replaceable = try Replaceable()
            let guest = try replaceable.guest()
            try replaceable.replace(1, 2)
            // The first call prepares the thread.
            #expect(try guest.call("f1") == 2)
            func living() -> [UInt64] {
                [
                    apus_code_range_count(), UInt64(apus_live_mappings()),
                    UInt64(apus_live_allocations()), UInt64(CodeRegistry.shared.count),
                ]
            }
            let before = living()
            for _ in 0..<20_000 { try replaceable.replace(3, 4) }
            #expect(living() == before)
            #expect(try guest.call("f1") == 4)
            for _ in 0..<1000 { _ = try Replaceable().guest().call("f1") }
            #expect(living() == before)
            let image = try CodeImage(image([.constant(1)]))
            #expect(apus_code_range_count() == before[0] + 1)
            _ = consume image
            #expect(apus_code_range_count() == before[0])
        }
    }

    /// Runs `work` on another thread, and `other` on this one.
    private func withThread(
        _ work: @escaping () -> Void, meanwhile other: () throws -> Void
    ) throws {
        final class Work {
            let body: () -> Void
            init(_ body: @escaping () -> Void) { self.body = body }
        }
        var thread = pthread_t()
        let work = unsafe Unmanaged.passRetained(Work(work))
        let error = unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                unsafe Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body()
                return nil
            }, unsafe work.toOpaque())
        #expect(error == 0)
        defer { pthread_join(thread, nil) }
        try other()
    }
}
