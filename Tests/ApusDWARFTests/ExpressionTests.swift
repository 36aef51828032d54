import ApusCollections
import Testing

@testable import ApusDWARF

/// Expressions that work with numbers only.
@Suite struct ExpressionTests {
    private struct Nothing: SourceMachine {
        func local(_ index: Int) -> UInt64? { nil }
        func global(_ index: Int) -> UInt64? { nil }
        func operand(_ index: Int) -> UInt64? { nil }
        func memory(at address: UInt64, count: Int) -> UInt64? { nil }
    }

    private func value(_ program: [UInt8]) -> UInt64? {
        let expression = SourceExpression(
            bytes: ByteStorage(program + [ExpressionOperation.value]),
            range: 0..<program.count + 1, frameBase: nil, addressBytes: 4, address: nil,
            constant: nil)
        guard case .value(let value)? = expression.place(in: Nothing()) else { return nil }
        return value
    }

    /// Programs with what they come to; numbers below 32 are 0x30 and more.
    @Test(
        arguments: [
            ([0x35, 0x32, 0x1C], 3), ([0x35, 0x32, 0x1B], 2), ([0x35, 0x30, 0x1B], nil),
            ([0x35, 0x32, 0x1D], 1), ([0x35, 0x32, 0x1E], 10), ([0x35, 0x12, 0x22], 10),
            ([0x35, 0x32, 0x13], 5), ([0x35, 0x32, 0x14, 0x1C, 0x22], 2),
            ([0x35, 0x32, 0x16, 0x1C], 0xFFFF_FFFF_FFFF_FFFD),
            ([0x31, 0x32, 0x33, 0x17, 0x1C, 0x1C], 4), ([0x31, 0x32, 0x17], nil),
            ([0x09, 0xFB, 0x19], 5), ([0x0A, 0x34, 0x12], 0x1234), ([0x35, 0x1F, 0x20], 4),
            ([0x35, 0x32, 0x24], 20), ([0x35, 0x31, 0x25], 2), ([0x09, 0xFB, 0x31, 0x26, 0x1F], 3),
            ([0x35, 0x33, 0x27], 6), ([0x35, 0x33, 0x1A], 1), ([0x35, 0x32, 0x21], 7),
            ([0x35, 0x35, 0x29], 1), ([0x35, 0x35, 0x2A], 1), ([0x35, 0x35, 0x2B], 0),
            ([0x35, 0x35, 0x2C], 1), ([0x35, 0x35, 0x2D], 0), ([0x35, 0x35, 0x2E], 0),
            ([0x35, 0x23, 0x80, 0x01], 133), ([0x15], nil), ([0x22], nil), ([], nil),
        ] as [([UInt8], UInt64?)])
    func arithmetic(_ program: [UInt8], _ expected: UInt64?) {
        #expect(value(program) == expected)
    }

    /// What is written anew for native debuggers is what works on the stack alone.
    @Test func plainOperations() {
        let plain = (UInt8.min...UInt8.max).filter { ExpressionOperation.isPlain($0) }
        #expect(
            plain == [
                0x12, 0x13, 0x14, 0x16, 0x17, 0x19, 0x1A, 0x1B, 0x1C, 0x1D, 0x1E, 0x1F, 0x20, 0x21,
                0x22, 0x24, 0x25, 0x26, 0x27, 0x29, 0x2A, 0x2B, 0x2C, 0x2D, 0x2E,
            ])
    }
}
