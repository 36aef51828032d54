internal import ApusCollections

/// What decoding, validation and a body's second reading ask of the instruction table, at one
/// load: a look into that table itself copies it.
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

    /// Whether there is such an instruction.
    var isDefined: Bool { requirements != .max }

    /// Whether all that the instruction needs is among `features`.
    @inline(__always)
    func isOn(_ features: FeatureSet) -> Bool { requirements & ~features.rawValue == 0 }

    // MARK: Tables

    /// The rows of the instructions of one byte, by that byte.
    static let core = table(Opcodes.core.span)
    private static let aggregates = table(Opcodes.aggregates.span)
    private static let miscellaneous = table(Opcodes.miscellaneous.span)
    private static let vectors = table(Opcodes.vectors.span)
    /// Those with the codes from 256 on.
    private static let moreVectors = table(Opcodes.vectors.span, from: 256)
    private static let atomics = table(Opcodes.atomics.span)
    private static let none = table(Span())

    private static func table(
        _ opcodes: Span<Opcode>, from first: Int = 0
    ) -> ConstantTable<ValidationRow> {
        ConstantTable {
            let code = first + Int($0)
            guard opcodes.indices.contains(code), opcodes[code].isDefined else {
                return ValidationRow(nil)
            }
            return ValidationRow(opcodes[code])
        }
    }

    /// Where the row of `code` after `prefix` (0: none) is.
    static func find(
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
