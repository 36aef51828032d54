import Apus
import Testing

/// Settings that make no sense are errors at most.
@Suite struct ExtremeSettingsTests {
    private static let guest = "(module (func (export \"seven\") (result i32) (i32.const 7)))"

    /// Longer than a `Duration` can say in seconds.
    private static let ages = Duration.seconds(Int64.max) * 15

    @Test(arguments: [Int.min, -1, 0]) func noStacksAtAll(limit: Int) async throws {
        var configuration = Engine.Configuration()
        configuration.guestStacks.limit = limit
        let engine = Engine(configuration)
        let seven = try Instance(Store(engine), Module(engine, text: Self.guest))
            .function("seven", as: (() -> Int32).self)
        #expect(try seven() == 7)
        let error = await #expect(throws: ResourceError.self) { try await seven.callAsync() }
        #expect(error?.limit == 0)
    }

    @Test func deadlinesThatNeverCome() throws {
        let engine = Engine()
        let store = Store(engine, limits: Limits(deadline: Self.ages))
        let seven = try Instance(store, Module(engine, text: Self.guest))
            .function("seven", as: (() -> Int32).self)
        #expect(try seven() == 7)
        store.setDeadline(after: Self.ages)
        try store.yieldGuests(every: Self.ages)
        #expect(try store.withDeadline(Self.ages) { try seven() } == 7)
        store.deadline = .now + Self.ages
        #expect(try seven() == 7)
        store.setDeadline(after: .zero - Self.ages)
        let trap = #expect(throws: Trap.self) { try seven() }
        #expect(trap?.code == .interrupted)
    }
}
