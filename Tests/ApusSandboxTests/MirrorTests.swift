import Apus
import ApusSandbox
import ApusTestSupport
import Testing

@Suite struct MirrorTests {
    /// Any thread may look at them, whoever uses them meanwhile.
    @Test func nothingLeadsToGuests() async throws {
        let module = try Module(
            Engine(), text: "(module (func (export \"add\") (param i32) (result i32) local.get 0))")
        let sandbox = Sandbox(module)
        #expect(try await sandbox.call("add", 1, as: Int.self) == 1)
        #expect(reflectedParts(of: sandbox) < 200)
        let pool = SandboxPool(SandboxTemplate(module), count: 3)
        let result = try await pool.withSandbox { try await $0.call("add", 2, as: Int.self) }
        #expect(result == 2)
        #expect(reflectedParts(of: pool) < 200)
    }
}
