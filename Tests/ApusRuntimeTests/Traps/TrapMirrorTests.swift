import ApusABI
import ApusFormat
import ApusTestSupport
import Testing

@testable import ApusRuntime

@Suite struct TrapMirrorTests {
    /// Its frames have the module, which has all of its engine.
    @Test func trapsLeadToNothingElse() throws {
        let store = try RuntimeStore(makeEnvironment())
        let instance = try store.instance([.unreachable])
        do {
            _ = try instance.call("f0")
            Issue.record("it does not trap")
        } catch let trap as WasmTrap {
            #expect(trap.backtrace.frames.count == 1)
            for value in [trap, trap.backtrace, instance, instance.module, store] as [Any] {
                #expect(reflectedParts(of: value) < 100, "\(type(of: value))")
            }
        }
    }
}
