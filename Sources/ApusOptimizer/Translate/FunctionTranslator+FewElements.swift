internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import ApusIR

/// Elements of arrays and tables that are copied or filled, of a number that is known only when the
/// code runs, which is 64 bits.
struct ElementCount: BitwiseCopyable {
    var value: Value
    /// What an element is when it has been read.
    var type: IRType
    /// How it is read and written.
    var width: AccessWidth
    /// Its bytes, as a power of two.
    var shift: UInt64
}

/// Few elements are moved in line, without a loop: of up to four, each is the first one, the last
/// one or one of two in the middle. More than that goes the way to the runtime, which looks at
/// everything once more.
extension FunctionTranslator {
    private static var most: UInt64 { 4 }

    /// Writes `value` to as many elements as `count` says, from `to` on, which have been checked.
    mutating func fill(
        _ count: ElementCount, _ to: MemoryAddress, with value: Value, _ kind: AliasClass,
        orElse other: (inout Self) -> Void
    ) {
        whereFew(count, orElse: other) { translator in
            for piece in 0..<Self.most {
                translator.store(value, count, to, piece, kind)
            }
        }
    }

    /// Copies as many elements as `count` says, all of which have been checked.
    mutating func copy(
        _ count: ElementCount, _ to: MemoryAddress, _ from: MemoryAddress,
        _ kinds: (to: AliasClass, from: AliasClass), orElse other: (inout Self) -> Void
    ) {
        whereFew(count, orElse: other) { translator in
            // All is read before anything is written: the ranges may overlap.
            let first = translator.carriedValues.count
            for piece in 0..<Self.most {
                let place = translator.place(of: piece, count, from)
                let value = translator.builder.load(
                    count.type, Self.access(count.width, kinds.from), place.base, place.index,
                    place.displacement)
                translator.carriedValues.append(value)
            }
            for piece in 0..<Self.most {
                let value = translator.carriedValues[first &+ Int(piece)]
                translator.store(value, count, to, piece, kinds.to)
            }
            translator.carriedValues.truncate(to: first)
        }
    }

    private mutating func whereFew(
        _ count: ElementCount, orElse other: (inout Self) -> Void,
        _ work: (inout Self) -> Void
    ) {
        let isFew = compare(count.value, .lessOrEqualUnsigned, Self.most)
        either(isFew) { translator in
            let isAny = translator.compare(count.value, .notEqual, 0)
            translator.either(isAny, work) { _ in }
        } orElse: {
            other(&$0)
        }
    }

    private mutating func compare(
        _ value: Value, _ condition: IntegerCondition, _ bits: UInt64
    ) -> Value {
        builder.value(
            ApusIR.Instruction(
                .compare, .i32, value, builder.constant(.i64, bits),
                immediate: condition.rawValue))
    }

    private mutating func store(
        _ value: Value, _ count: ElementCount, _ to: MemoryAddress, _ piece: UInt64,
        _ kind: AliasClass
    ) {
        let place = place(of: piece, count, to)
        builder.store(
            value, Self.access(count.width, kind), place.base, place.index, place.displacement)
    }

    /// Where one of the elements is: of up to four all are among these.
    private mutating func place(
        of piece: UInt64, _ count: ElementCount, _ start: MemoryAddress
    ) -> MemoryAddress {
        if piece == 0 { return start }
        let one = builder.constant(.i64, 1)
        let last = builder.value(ApusIR.Instruction(.subtract, .i64, count.value, one))
        let position =
            piece == 1
            ? last
            : builder.value(
                ApusIR.Instruction(
                    .shiftRightUnsigned, .i64, piece == 2 ? last : count.value, one))
        let distance = builder.value(
            ApusIR.Instruction(
                .shiftLeft, .i64, position, builder.constant(.i64, count.shift)))
        var place = start
        place.index =
            start.index.isNone
            ? distance
            : builder.value(ApusIR.Instruction(.add, .i64, start.index, distance))
        return place
    }

    // MARK: Two ways

    /// Does `work` where `condition`, an i32, is not 0, else `other`. Both leave the stack as it
    /// is.
    private mutating func either(
        _ condition: Value, _ work: (inout Self) -> Void, orElse other: (inout Self) -> Void
    ) {
        if let isMet = builder.decision(on: condition) {
            return isMet ? work(&self) : other(&self)
        }
        frames.append(
            TranslationFrame(
                kind: .block, signature: FlatSignature(), height: stack.count, record: 0,
                builder.state, changes: localChanges.count))
        frames.last.isColdOutside = isCold
        frames.last.catching = frames[frames.count &- 2].catching
        let edge = branch(unless: condition)
        work(&self)
        if isReachable { jumpToLabel() }
        goOn(at: edge, isCold: false)
        other(&self)
        closeGuess()
    }
}
