import ApusTestSupport
import Testing

/// A constant of 32 bits that is extended with zeroes shares its register with the result, and is
/// another number there.
@Suite struct ExtendedConstantTests {
    private func text(_ operation: String) -> String {
        """
        function (i64) -> (i64)
          v1: i32 = constant -129
        block0(v0: i64):
          v2: i64 = extendUnsigned v1
          v3: i64 = \(operation) v0, v2
          return (v3)
        """
    }

    @Test(arguments: ["add", "subtract", "multiply", "and", "or", "xor"])
    func hasNoSign(operation: String) throws {
        let function = try NativeFunction([text(operation)])
        let constant: UInt64 = 0xFFFF_FF7F
        for value in [0, 1, 5, 0xFFFF_FFFF, 0x0123_4567_89AB_CDEF, .max] as [UInt64] {
            let expected =
                switch operation {
                case "add": value &+ constant
                case "subtract": value &- constant
                case "multiply": value &* constant
                case "and": value & constant
                case "or": value | constant
                default: value ^ constant
                }
            #expect(function.call(ModelVector(low: value, high: 0))[0].low == expected)
        }
    }
}
