import ApusABI
import ApusFormat
import CApusHost
import Testing

@testable import ApusRuntime

@Suite struct TrapTests {
    private func store() throws -> RuntimeStore { try RuntimeStore(makeEnvironment()) }

    @Test func faultBeyondMemoryIsATrap() throws {
        let store = try store()
        var parts = parts([.load])
        parts.memories = [MemoryType(limits: SizeLimits(minimum: 1))]
        let instance = try store.instance([.load], parts)
        #expect(instance.memories[0].store(UInt32(42), at: 65532))
        #expect(try instance.call("f0", 65532) == 42)
        let last = MemoryPlan.fullReservationBytes - 4
        for address in [65536, 65533, 1 << 32, (3 << 31) - 1, last] as [UInt64] {
            #expect(trap { try instance.call("f0", address) } == .memoryOutOfBounds)
        }
        #expect(try instance.call("f0", 65532) == 42)
    }

    @Test func memoryOfNoPagesHasNoByte() throws {
        var parts = parts([.load])
        parts.memories = [MemoryType(limits: SizeLimits(minimum: 0))]
        let instance = try store().instance([.load], parts)
        #expect(trap { try instance.call("f0", 0) } == .memoryOutOfBounds)
    }

    @Test func eachSignalGivesItsListedTrap() throws {
        let instance = try store().instance([.unreachable, .divide])
        #expect(trap { try instance.call("f0") } == .unreachable)
        #expect(try instance.call("f1", 42, 6) == 7)
        let least = UInt64(bitPattern: Int64.min)
        #expect(trap { try instance.call("f1", least, .max) } == .integerOverflow)
    }

    @Test func backtraceNamesFunctionsAndPlaces() throws {
        let functions: [TestFunction] = [.callAddress, .unreachable]
        let instance = try store().instance(functions)
        let callee = UInt64(instance.module.codeAddress(ofFunction: 1))
        #expect {
            try instance.call("f0", callee)
        } throws: { error in
            guard let trap = error as? WasmTrap else { return false }
            let frames = trap.backtrace.frames
            return frames.map(\.functionIndex) == [1, 0]
                && frames.map(\.bodyOffset) == [4, 15]
                && frames.map(\.moduleOffset) == [2004, 1015]
                && !trap.backtrace.isTruncated
        }
    }

    @Test func trapOfTheRuntimeHasABacktrace() throws {
        let instance = try store().instance([.callRuntime])
        let throwing = UInt64(RuntimeFunction.exceptionThrow.rawValue)
        #expect {
            try instance.call("f0", throwing, 0)
        } throws: { error in
            guard let trap = error as? WasmTrap else { return false }
            return trap.code == .nullExceptionReference
                && trap.backtrace.frames.map(\.bodyOffset) == [10]
        }
    }

    @Test func backtraceIncludesFramesBeyondHostFunctions() throws {
        let store = try store()
        var inner: FunctionReference?
        let host = try store.makeHostFunction(sixToOne) { frame in
            try frame.store.call(inner!, [])
        }
        let functions: [TestFunction] = [.callImport, .unreachable]
        let instance = try store.instance(
            functions, parts(functions, imported: 1), [.function(host)])
        inner = instance.function(2)
        #expect {
            try instance.call("f0")
        } throws: { error in
            guard let trap = error as? WasmTrap else { return false }
            return trap.backtrace.frames.map(\.functionIndex) == [2, 1]
                && trap.backtrace.frames.map(\.bodyOffset) == [4, 27]
        }
    }

    @Test func namesComeFromTheNameSection() throws {
        // Subsection 1 with one name: function 0 is "go".
        var parts = parts([.unreachable], bytes: [0, 1, 5, 1, 0, 2, 0x67, 0x6F])
        parts.customSections = [CustomSection(name: "name", contents: 1..<8)]
        let instance = try store().instance([.unreachable], parts)
        #expect(instance.module.functionName(0) == "go")
        #expect(instance.module.functionName(1) == nil)
        #expect {
            try instance.call("f0")
        } throws: { error in
            "\(error)" == "trap: unreachable\n  at go (function 0, module offset 0x3ec)"
        }
    }

    @Test(arguments: 0..<7)
    func damagedNameSectionGivesNoName(_ length: Int) throws {
        var parts = parts([.unreachable], bytes: [1, 5, 1, 0, 2, 0x67, 0x6F])
        parts.customSections = [CustomSection(name: "name", contents: 0..<length)]
        let module = try load([.unreachable], parts, in: makeEnvironment())
        #expect(module.functionName(0) == nil)
    }

    @Test func endlessRecursionIsATrap() throws {
        var configuration = RuntimeConfiguration()
        configuration.backtraceFramesLimit = 16
        let store = try RuntimeStore(makeEnvironment(configuration))
        let instance = try store.instance([.recurse])
        for _ in 0..<3 {
            #expect {
                try instance.call("f0")
            } throws: { error in
                guard let trap = error as? WasmTrap else { return false }
                return trap.code == .stackExhausted && trap.backtrace.frames.count == 16
                    && trap.backtrace.isTruncated
            }
        }
    }

    @Test func recursionThroughHostFunctionsIsATrap() throws {
        let store = try store()
        var outer: FunctionReference?
        var entered = 0
        var left = 0
        let host = try store.makeHostFunction(sixToOne) { frame in
            entered += 1
            defer { left += 1 }
            try frame.store.call(outer!, [])
        }
        let instance = try store.instance(
            [.callImport], parts([.callImport], imported: 1), [.function(host)])
        outer = instance.function(1)
        #expect(trap { try instance.call("f0") } == .stackExhausted)
        #expect(entered > 10)
        #expect(entered == left)
    }

    @Test func manyTrapsLeaveNothingBehind() throws {
        let instance = try store().instance([.unreachable])
        for _ in 0..<2000 { #expect(trap { try instance.call("f0") } == .unreachable) }
        #expect(unsafe instance.store.context.pointee.entry_sp == 0)
        #expect(unsafe instance.store.context.pointee.trap == 0)
    }
}
