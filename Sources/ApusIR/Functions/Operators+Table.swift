internal import ApusCollections

/// An operator's row.
public struct OperatorRow: BitwiseCopyable, Sendable {
    /// How the operator is written.
    public let name: StaticString
    public let operands: OperandShape
    public let types: TypeRule
    public let immediate: ImmediateRule
    public let effects: Effects
}

private func entry(
    _ name: StaticString, _ operands: OperandShape, _ types: TypeRule,
    _ immediate: ImmediateRule = .none, _ effects: Effects = []
) -> OperatorRow {
    OperatorRow(
        name: name, operands: operands, types: types, immediate: immediate, effects: effects)
}

extension Operator {
    /// The operator's row.
    @inline(__always)
    public var row: OperatorRow { Self.rows[rawValue] }

    private static let rows = ConstantTable { (Operator(rawValue: $0) ?? .trap).makeRow() }

    private func makeRow() -> OperatorRow {
        switch self {
        case .constant: entry("constant", .none, .any, .none, .floats)
        case .vectorConstant: entry("vectorConstant", .none, .vector, .none, .floats)
        case .context: entry("context", .none, .long, .none, .floats)
        case .parameter: entry("parameter", .none, .any, .none, .stays)

        case .add: entry("add", .binary, .integers, .wrapping, .commutes)
        case .subtract: entry("subtract", .binary, .integers, .wrapping)
        case .multiply: entry("multiply", .binary, .integers, .wrapping, .commutes)
        case .multiplyHighSigned:
            entry("multiplyHighSigned", .binary, .integers, .none, .commutes)
        case .multiplyHighUnsigned:
            entry("multiplyHighUnsigned", .binary, .integers, .none, .commutes)
        case .divideSigned: entry("divideSigned", .binary, .integers, .division, .traps)
        case .divideUnsigned: entry("divideUnsigned", .binary, .integers, .division, .traps)
        case .remainderSigned: entry("remainderSigned", .binary, .integers, .division, .traps)
        case .remainderUnsigned: entry("remainderUnsigned", .binary, .integers, .division, .traps)
        case .and: entry("and", .binary, .integers, .none, .commutes)
        case .or: entry("or", .binary, .integers, .none, .commutes)
        case .xor: entry("xor", .binary, .integers, .none, .commutes)
        case .shiftLeft: entry("shiftLeft", .binary, .integers, .wrapping)
        case .shiftRightSigned: entry("shiftRightSigned", .binary, .integers)
        case .shiftRightUnsigned: entry("shiftRightUnsigned", .binary, .integers)
        case .rotateLeft: entry("rotateLeft", .binary, .integers)
        case .rotateRight: entry("rotateRight", .binary, .integers)
        case .countLeadingZeros: entry("countLeadingZeros", .unary, .integers)
        case .countTrailingZeros: entry("countTrailingZeros", .unary, .integers)
        case .populationCount: entry("populationCount", .unary, .integers)
        case .extend8Signed: entry("extend8Signed", .unary, .integers)
        case .extend16Signed: entry("extend16Signed", .unary, .integers)
        case .extend32Signed: entry("extend32Signed", .unary, .long)
        case .byteSwap: entry("byteSwap", .unary, .integers)
        case .compare: entry("compare", .binary, .comparesIntegers, .integerCondition)
        case .select: entry("select", .ternary, .selects)

        case .wrap: entry("wrap", .unary, .wraps)
        case .extendSigned: entry("extendSigned", .unary, .extends)
        case .extendUnsigned: entry("extendUnsigned", .unary, .extends)
        case .bitcast: entry("bitcast", .unary, .bitcasts)

        case .floatAdd: entry("floatAdd", .binary, .floats)
        case .floatSubtract: entry("floatSubtract", .binary, .floats)
        case .floatMultiply: entry("floatMultiply", .binary, .floats)
        case .floatDivide: entry("floatDivide", .binary, .floats)
        case .minimum: entry("minimum", .binary, .floats)
        case .maximum: entry("maximum", .binary, .floats)
        case .copySign: entry("copySign", .binary, .floats)
        case .absolute: entry("absolute", .unary, .floats)
        case .negate: entry("negate", .unary, .floats)
        case .squareRoot: entry("squareRoot", .unary, .floats)
        case .ceiling: entry("ceiling", .unary, .floats)
        case .floor: entry("floor", .unary, .floats)
        case .truncate: entry("truncate", .unary, .floats)
        case .nearest: entry("nearest", .unary, .floats)
        case .floatCompare: entry("floatCompare", .binary, .comparesFloats, .floatCondition)
        case .promote: entry("promote", .unary, .promotes)
        case .demote: entry("demote", .unary, .demotes)
        case .convertSigned: entry("convertSigned", .unary, .converts)
        case .convertUnsigned: entry("convertUnsigned", .unary, .converts)
        case .truncateSigned: entry("truncateSigned", .unary, .truncates, .none, .traps)
        case .truncateUnsigned: entry("truncateUnsigned", .unary, .truncates, .none, .traps)
        case .truncateSaturatingSigned: entry("truncateSaturatingSigned", .unary, .truncates)
        case .truncateSaturatingUnsigned: entry("truncateSaturatingUnsigned", .unary, .truncates)

        case .vectorUnary: entry("vectorUnary", .unary, .vectorUnary, .number)
        case .vectorBinary: entry("vectorBinary", .binary, .vectorBinary, .number)
        case .vectorTernary: entry("vectorTernary", .ternary, .vector, .number)
        case .extractLane: entry("extractLane", .unary, .extractsLane, .number)
        case .replaceLane: entry("replaceLane", .binary, .replacesLane, .number)
        case .shuffle: entry("shuffle", .binary, .vector)

        case .load: entry("load", .load, .address, .access, .reads)
        case .store: entry("store", .store, .address, .access, .writes)
        case .loadLane: entry("loadLane", .store, .address, .access, .reads)
        case .storeLane: entry("storeLane", .store, .address, .access, .writes)
        case .atomicLoad: entry("atomicLoad", .load, .atomic, .access, [.reads, .writes])
        case .atomicExchange: entry("atomicExchange", .store, .atomic, .access, [.reads, .writes])
        case .atomicAdd: entry("atomicAdd", .store, .atomic, .access, [.reads, .writes])
        case .atomicAnd: entry("atomicAnd", .store, .atomic, .access, [.reads, .writes])
        case .atomicOr: entry("atomicOr", .store, .atomic, .access, [.reads, .writes])
        case .atomicXor: entry("atomicXor", .store, .atomic, .access, [.reads, .writes])
        case .atomicCompareExchange:
            entry(
                "atomicCompareExchange", .compareStore, .atomic, .access, [.reads, .writes])
        case .fence: entry("fence", .none, .nothing, .none, .writes)

        case .allocate: entry("allocate", .ternary, .allocates, .none, .traps)
        case .typeTest: entry("typeTest", .binary, .testsType, .number)

        case .call: entry("call", .list, .any, .none, .calls)
        case .callImport: entry("callImport", .list, .any, .none, .calls)
        case .callFar: entry("callFar", .unaryAndList, .any, .number, .calls)
        case .callRuntime: entry("callRuntime", .list, .any, .number, .calls)
        case .callResult: entry("callResult", .unary, .any, .number, .stays)
        case .trapIf: entry("trapIf", .unary, .condition, .number, .traps)
        case .payFuel: entry("payFuel", .unary, .condition, .number, .traps)
        case .poll: entry("poll", .none, .nothing, .none, .traps)

        case .jump: entry("jump", .none, .nothing, .none, .ends)
        case .branch: entry("branch", .unary, .condition, .none, .ends)
        case .branchTable: entry("branchTable", .unary, .condition, .none, .ends)
        case .return: entry("return", .list, .nothing, .none, .ends)
        case .trap: entry("trap", .none, .nothing, .number, [.ends, .traps])
        case .tailCall: entry("tailCall", .list, .nothing, .none, [.ends, .calls])
        case .tailCallFar: entry("tailCallFar", .unaryAndList, .nothing, .number, [.ends, .calls])
        case .tryCall: entry("tryCall", .list, .nothing, .none, [.ends, .calls])
        case .tryCallImport: entry("tryCallImport", .list, .nothing, .none, [.ends, .calls])
        case .tryCallFar: entry("tryCallFar", .unaryAndList, .nothing, .number, [.ends, .calls])
        case .tryCallRuntime: entry("tryCallRuntime", .list, .nothing, .number, [.ends, .calls])
        }
    }

    /// The operator that is written so.
    static func named(_ name: Substring) -> Operator? { byName[name] }

    private static let byName = Dictionary(
        uniqueKeysWithValues: allCases.map { (Substring($0.row.name.description), $0) })
}
