internal import ApusCollections

/// The operations of expressions that say where something is. Specification: DWARF 5, 7.7.1, and
/// “DWARF for WebAssembly”.
enum ExpressionOperation {
    static let address: UInt8 = 0x03
    static let load: UInt8 = 0x06
    /// Numbers of 1, 2, 4 and 8 bytes, of each an unsigned and a signed one.
    static let constants: ClosedRange<UInt8> = 0x08...0x0F
    static let unsignedConstant: UInt8 = 0x10
    static let signedConstant: UInt8 = 0x11
    static let duplicate: UInt8 = 0x12
    static let drop: UInt8 = 0x13
    static let over: UInt8 = 0x14
    static let swap: UInt8 = 0x16
    static let rotate: UInt8 = 0x17
    static let absolute: UInt8 = 0x19
    static let and: UInt8 = 0x1A
    static let divide: UInt8 = 0x1B
    static let minus: UInt8 = 0x1C
    static let modulo: UInt8 = 0x1D
    static let multiply: UInt8 = 0x1E
    static let negate: UInt8 = 0x1F
    static let not: UInt8 = 0x20
    static let or: UInt8 = 0x21
    static let plus: UInt8 = 0x22
    static let plusConstant: UInt8 = 0x23
    static let shiftLeft: UInt8 = 0x24
    static let shiftRight: UInt8 = 0x25
    static let shiftRightArithmetic: UInt8 = 0x26
    static let xor: UInt8 = 0x27
    static let equal: UInt8 = 0x29
    static let greaterOrEqual: UInt8 = 0x2A
    static let greater: UInt8 = 0x2B
    static let lessOrEqual: UInt8 = 0x2C
    static let less: UInt8 = 0x2D
    static let notEqual: UInt8 = 0x2E
    /// The numbers from 0 to 31.
    static let literals: ClosedRange<UInt8> = 0x30...0x4F
    /// Plus an offset: what is in the register that x86-64 has as the frame pointer.
    static let framePointer: UInt8 = 0x76
    static let frameBase: UInt8 = 0x91
    static let loadBytes: UInt8 = 0x94
    static let nothing: UInt8 = 0x96
    static let value: UInt8 = 0x9F
    static let addressIndex: UInt8 = 0xA1
    static let constantIndex: UInt8 = 0xA2
    /// A local, a global or an operand.
    static let wasmLocation: UInt8 = 0xED

    /// How many bytes the number has that follows one of the `constants`, and whether it is signed.
    static func constant(_ operation: UInt8) -> (bytes: Int, isSigned: Bool) {
        let number = operation - constants.lowerBound
        return (1 << Int(number / 2), number % 2 == 1)
    }

    /// Whether it works on the stack alone, and nothing follows it.
    static func isPlain(_ code: UInt8) -> Bool {
        switch code {
        case duplicate...over, swap, rotate, absolute...plus, shiftLeft...xor,
            equal...notEqual:
            true
        default: false
        }
    }
}
