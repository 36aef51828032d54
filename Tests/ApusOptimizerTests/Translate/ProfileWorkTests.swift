import ApusABI
import ApusCollections
import ApusFormat
import ApusLocks
import ApusTestSupport
import ApusText
import Testing

@testable import ApusOptimizer

/// What is asked about callees costs no more than their callers are long.
@Suite struct ProfileWorkTests {
    /// How often the calls of each function were asked for, to translate the first one.
    private static func asked(_ text: String, inliningBytes: Int) throws -> [Int: Int] {
        let bytes = ByteStorage(try TextFormat.parseModule(text))
        let module = try ModuleDecoder.decode(bytes, features: .standard)
        try ModuleValidator.validate(module, features: .standard)
        let asked = SystemMutex<[Int: Int]>([:])
        var environment = ModuleEnvironment(module: module)
        environment.profile = ModuleProfile(
            inliningBytes: { _ in inliningBytes },
            calls: { index in
                asked.withLock { $0[index, default: 0] += 1 }
                return []
            })
        var validator = FunctionValidator(module, features: .standard)
        var translator = FunctionTranslator(environment)
        try validator.validate(0)
        let isTranslated = translator.translate(0, validator.analysis)
        #expect(isTranslated)
        return asked.withLock { $0 }
    }

    private static func text(calls: Int) -> String {
        """
        (module (memory 1)
          (func $caller (param i32) \(String(repeating: "(call $callee)", count: calls)))
          (func $callee (i32.store (i32.const 0) (i32.load (i32.const 4)))))
        """
    }

    /// A large function has many calls, and one is called from many places.
    @Test func callsOfCalleesThatAreCalledAreNotLookedAt() throws {
        #expect(try Self.asked(Self.text(calls: 1000), inliningBytes: 0) == [0: 1])
    }

    @Test func thoseOfCalleesThatAreTakenInAre() throws {
        #expect(try Self.asked(Self.text(calls: 20), inliningBytes: 100) == [0: 1, 1: 20])
    }
}
