public import ApusFormat

/// What running an instruction costs, in units of fuel. The same for every compiler.
public enum FuelCost {
    /// Of the instruction itself, whose immediates `reader` reads next: 1, but 0 for what only
    /// structures the code; and 1 for each clause, which who throws may have to look at.
    @inline(__always)
    public static func of(_ operation: Operation, _ reader: borrowing InstructionReader) -> UInt32 {
        if operation == .tryTable { return 1 &+ clauseCount(reader) }
        let role = operation.fuelRole
        return role == .structure || role == .boundary ? 0 : 1
    }

    private static func clauseCount(_ reader: borrowing InstructionReader) -> UInt32 {
        var reader = copy reader
        _ = reader.readBlockType()
        return reader.readIndex()
    }

    /// Of filling, copying or initialising that many bytes, besides the instruction.
    public static func ofBytes(_ count: UInt64) -> UInt64 { count / 64 }

    /// Of making a structure of zeros of that many bytes, besides the instruction. Those that are
    /// made of values have been paid for value by value.
    public static func ofStructure(bytes: UInt64) -> UInt64 { bytes > 256 ? bytes / 64 : 0 }

    /// Of filling, copying, initialising or adding that many table elements, besides the
    /// instruction.
    public static func ofElements(_ count: UInt64) -> UInt64 { count / 8 }
}

/// Instructions of a function that are always run one after the other, and paid for together.
///
/// Compiled code subtracts a segment's cost from the fuel where it starts. At a function's start
/// and at a loop's it then looks whether there was enough. When a trap ends a segment early, what
/// was paid for the rest is given back.
public struct FuelSegment: BitwiseCopyable, Sendable {
    /// What all its instructions cost.
    public let cost: UInt32
    /// Offset in the module of the instruction after its last.
    public let end: Int
    /// Whether the next segment is the start of a loop.
    public let opensLoop: Bool

    /// The segment that starts at the reader's position, in the body of a valid function.
    public init(_ start: borrowing InstructionReader) {
        var reader = copy start
        var cost: UInt32 = 0
        while true {
            let operation = reader.next()
            cost &+= FuelCost.of(operation, reader)
            reader.skipImmediates(of: operation)
            if operation.endsFuelSegment {
                self.cost = cost
                end = reader.position
                opensLoop = operation == .loop
                return
            }
        }
    }

    /// What has been paid for instructions that were not run when the one at offset `stop` trapped,
    /// in a function whose code is what `reader` reads. With `isUnstarted`, the segment that starts
    /// there was not run at all.
    public static func refund(
        _ reader: consuming InstructionReader, stop: Int, isUnstarted: Bool
    ) -> UInt32 {
        var segment = FuelSegment(reader)
        while segment.end <= stop {
            reader.position = segment.end
            segment = FuelSegment(reader)
        }
        if isUnstarted { return segment.cost }
        var run: UInt32 = 0
        while reader.position <= stop {
            let operation = reader.next()
            run &+= FuelCost.of(operation, reader)
            reader.skipImmediates(of: operation)
        }
        return segment.cost &- run
    }
}

extension Operation {
    fileprivate enum FuelRole {
        /// Only structures the code.
        case structure
        /// The same, and starts a segment, since code may come from elsewhere.
        case boundary
        /// What follows runs whenever it runs, unless it traps.
        case straight
        /// What follows in the code may not follow when it runs, or others look at the fuel
        /// meanwhile: it ends a segment.
        case leaves
    }

    fileprivate var endsFuelSegment: Bool {
        let role = fuelRole
        return role == .boundary || role == .leaves
    }

    @inline(__always)
    fileprivate var fuelRole: FuelRole {
        switch self {
        case .nop, .block: .structure
        case .loop, .else, .end: .boundary
        case .unreachable, .if, .br, .brIf, .brTable, .brOnNull, .brOnNonNull, .brOnCast,
            .brOnCastFail, .return, .call, .callRef, .callIndirect, .returnCall, .returnCallRef,
            .returnCallIndirect, .throw, .throwRef, .tryTable, .memoryGrow, .memoryFill,
            .memoryCopy, .memoryInit, .tableGrow, .tableFill, .tableCopy, .tableInit,
            .arrayNew, .arrayNewFixed, .arrayNewData, .arrayNewElement, .arrayFill, .arrayCopy,
            .arrayInitData, .arrayInitElement, .structNew, .atomicWait, .atomicNotify:
            .leaves
        case .drop, .select, .selectTyped, .localGet, .localSet, .localTee, .globalGet,
            .globalSet, .tableGet, .tableSet, .tableSize, .elementDrop, .load, .store,
            .memorySize, .dataDrop, .refNull, .refFunc, .refIsNull, .refAsNonNull, .refEq,
            .refTest, .refCast, .structGet, .structSet, .arrayGet, .arraySet, .arrayLength,
            .refI31, .i31Get, .anyConvertExtern, .externConvertAny, .i32Const, .i64Const,
            .f32Const, .f64Const, .unary, .binary, .test, .compare, .convert, .wide,
            .vectorConst, .vectorLoad, .vectorStore, .vectorLoadLane, .vectorStoreLane,
            .vectorShuffle, .vectorSplat, .vectorExtractLane, .vectorReplaceLane, .vectorNot,
            .vectorAnyTrue, .vectorBitwise, .vectorBitselect, .vectorAllTrue, .vectorBitmask,
            .vectorCompare, .vectorShift, .vectorUnary, .vectorBinary, .vectorTernary,
            .vectorConvert, .atomicFence, .atomicLoad, .atomicStore, .atomicReadModifyWrite,
            .atomicCompareExchange:
            .straight
        }
    }
}
