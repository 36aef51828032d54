internal import ApusCollections

/// What decoding and validation ask of the instruction table, at one load.
struct ValidationRow: BitwiseCopyable, Sendable {
    let operation: Operation
    /// The bits of the features that must be on; of an instruction that does not exist, all bits.
    private let requirements: UInt32
    /// The types of operands and result, if they do not depend on the context. Addresses are those
    /// of 32-bit memories.
    let signature: FixedSignature
    /// Binary logarithm of the natural alignment.
    let naturalAlignment: UInt8
    let laneCount: UInt8
    /// Whether the signature says all that there is to check.
    let isFixed: Bool

    /// The row of an instruction; nil: of one that does not exist.
    init(_ opcode: Opcode?) {
        operation = opcode?.operation ?? .unreachable
        requirements = opcode?.needs.rawValue ?? .max
        signature = operation.fixedSignature ?? FixedSignature()
        naturalAlignment = operation.naturalAlignment
        laneCount = operation.laneCount
        isFixed = operation.immediates == .none && signature.count > 0
    }

    /// Whether all that the instruction needs is among `features`.
    @inline(__always)
    func isOn(_ features: FeatureSet) -> Bool { requirements & ~features.rawValue == 0 }

    // MARK: Tables

    /// The rows of the instructions of one byte, by that byte.
    static let core = table(prefix: 0)
    private static let aggregates = table(prefix: 0xFB)
    private static let miscellaneous = table(prefix: 0xFC)
    private static let vectors = table(prefix: 0xFD)
    /// Those with the codes from 256 on.
    private static let moreVectors = table(prefix: 0xFD, from: 256)
    private static let atomics = table(prefix: 0xFE)
    private static let none = table(prefix: 0xFF)

    private static func table(prefix: UInt8, from first: Int = 0) -> ConstantTable<ValidationRow> {
        ConstantTable { ValidationRow(Opcodes.opcode(prefix: prefix, code: first + Int($0))) }
    }

    /// Where the row of `code` after `prefix` (0: none) is.
    static func place(
        prefix: UInt8, code: UInt32
    ) -> (table: ConstantTable<ValidationRow>, index: UInt8) {
        let table =
            switch (prefix, code >> 8) {
            case (0, 0): core
            case (0xFB, 0): aggregates
            case (0xFC, 0): miscellaneous
            case (0xFD, 0): vectors
            case (0xFD, 1): moreVectors
            case (0xFE, 0): atomics
            default: none
            }
        return (table, UInt8(truncatingIfNeeded: code))
    }
}
