internal import ApusCollections

/// An instruction's row: how it is written, in text and in bytes, and what it does.
public struct Opcode: Sendable {
    /// The instruction's keyword in the text format. `select`, `ref.test` and `ref.cast` have two
    /// encodings each, hence two rows; all others are unique.
    public let name: StaticString
    /// The byte before the code, 0 for instructions of one byte.
    public let prefix: UInt8
    /// The code: a byte, or after a prefix an unsigned LEB128 number.
    public let code: UInt16
    public let operation: Operation
    /// What brought the instruction, nil for the first version of WebAssembly.
    public let feature: Feature?
    /// Whether there is such an instruction. The tables are dense, so they have rows for gaps;
    /// a gap's operation is `unreachable`, so code that was not validated does nothing worse.
    public let isDefined: Bool

    init(name: StaticString, prefix: UInt8, code: UInt16, operation: Operation, feature: Feature?) {
        self.name = name
        self.prefix = prefix
        self.code = code
        self.operation = operation
        self.feature = feature
        isDefined = true
    }

    /// The features without which the instruction is not there.
    var needs: FeatureSet {
        guard let feature else { return [] }
        let own = FeatureSet(feature)
        if feature == .relaxedSIMD { return own.union(FeatureSet(.simd)) }
        return operation == .returnCallRef ? own.union(FeatureSet(.tailCalls)) : own
    }

    init(gapAt code: UInt16, prefix: UInt8) {
        name = ""
        self.prefix = prefix
        self.code = code
        operation = .unreachable
        feature = nil
        isDefined = false
    }
}

/// The instructions of WebAssembly 3.0 and of the standardised proposals after it, one row each.
///
/// Everything else about instructions is derived from these rows. They lie in five tables, one
/// for each prefix, in which a row's number is its code. The tables are constant data of the
/// binary: nothing is set up at start. Read them through `span`; a subscript copies the table.
public enum Opcodes {
    /// The row of `code` after `prefix` (0: none); nil if there is no such instruction.
    public static func opcode(prefix: UInt8, code: Int) -> Opcode? {
        let row: Opcode? =
            switch prefix {
            case 0: row(code, core.span)
            case 0xFB: row(code, aggregates.span)
            case 0xFC: row(code, miscellaneous.span)
            case 0xFD: row(code, vectors.span)
            case 0xFE: row(code, atomics.span)
            default: nil
            }
        return row.flatMap { $0.isDefined ? $0 : nil }
    }

    /// What the instruction of `code` after `prefix` does; nil if there is no such instruction.
    /// Quick, other than its whole row.
    public static func operation(prefix: UInt8, code: UInt32) -> Operation? {
        let (rows, index) = ValidationRow.find(prefix: prefix, code: code)
        return rows[index].isDefined ? rows[index].operation : nil
    }

    private static func row(_ code: Int, _ table: Span<Opcode>) -> Opcode? {
        table.indices.contains(code) ? table[code] : nil
    }

    /// Whether `byte` begins instructions of more than one byte.
    @inline(__always)
    static func isPrefix(_ byte: UInt8) -> Bool { byte >= 0xFB && byte < 0xFF }

    /// The prefixes that begin instructions of more than one byte, and 0 for the others.
    public static var prefixes: [UInt8] { [0, 0xFB, 0xFC, 0xFD, 0xFE] }

    /// The number of rows, gaps included, of the table for `prefix`.
    public static func count(prefix: UInt8) -> Int {
        switch prefix {
        case 0: core.count
        case 0xFB: aggregates.count
        case 0xFC: miscellaneous.count
        case 0xFD: vectors.count
        case 0xFE: atomics.count
        default: 0
        }
    }

    /// The operations of the instructions of one byte, by that byte.
    static let coreOperations: ConstantTable<Operation> = {
        let rows = core.span
        return ConstantTable { rows[Int($0)].operation }
    }()
}
