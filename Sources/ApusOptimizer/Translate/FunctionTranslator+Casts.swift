internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import ApusIR

/// Tests of what references refer to, and integers of 31 bits (4.6.5).
extension FunctionTranslator {
    mutating func translateRefEq() {
        let right = pop()
        push(
            builder.value(
                ApusIR.Instruction(
                    .compare, .i32, pop(), right, immediate: IntegerCondition.equal.rawValue)))
    }

    // MARK: Integers of 31 bits

    mutating func translateRefI31() {
        let one = builder.constant(.i32, 1)
        // The uppermost bit is lost.
        let shifted = builder.value(ApusIR.Instruction(.shiftLeft, .i32, pop(), one))
        let tagged = builder.value(ApusIR.Instruction(.or, .i32, shifted, one))
        let wide = builder.value(ApusIR.Instruction(.extendUnsigned, .i64, tagged))
        push(builder.value(ApusIR.Instruction(.bitcast, .ref, wide)))
    }

    mutating func translateI31Get(_ sign: FieldExtension) {
        let reference = pop()
        guard trap(.nullIntegerReference, if: isNull(reference, .equal)) else { return }
        let bits = low(of: reference)
        push(
            builder.value(
                ApusIR.Instruction(
                    sign == .signed ? .shiftRightSigned : .shiftRightUnsigned, .i32, bits,
                    builder.constant(.i32, 1))))
    }

    private mutating func low(of reference: Value) -> Value {
        let bits = builder.value(ApusIR.Instruction(.bitcast, .i64, reference))
        return builder.value(ApusIR.Instruction(.wrap, .i32, bits))
    }

    // MARK: Tests

    mutating func translateRefTest(nullable: Bool) {
        let heap = reader.readHeapType()
        push(matches(pop(), heap, nullable: nullable))
    }

    mutating func translateRefCast(nullable: Bool) {
        let heap = reader.readHeapType()
        _ = trap(.castFailure, if: inverse(matches(stack.last, heap, nullable: nullable)))
    }

    /// `br_on_cast`, or `br_on_cast_fail` if `onFailure`.
    mutating func translateBrOnCast(onFailure: Bool) {
        let flags = reader.readByte()
        let depth = Int(reader.readIndex())
        _ = reader.readHeapType()
        let heap = reader.readHeapType()
        let matches = matches(stack.last, heap, nullable: flags & 2 != 0)
        branch(to: depth, if: onFailure ? inverse(matches) : matches)
    }

    private mutating func inverse(_ condition: Value) -> Value {
        builder.value(
            ApusIR.Instruction(
                .compare, .i32, condition, builder.constant(.i32, 0),
                immediate: IntegerCondition.equal.rawValue))
    }

    /// Whether a reference refers to `heap`, or is null if `nullable`: 1 or 0.
    private mutating func matches(_ reference: Value, _ heap: HeapType, nullable: Bool) -> Value {
        if let index = heap.typeIndex {
            let type = signatures.place(Int(index))
            let isFunction = module.types.kind(Int(index)) == .function
            let kind: TypeTest.Kind =
                isFunction
                ? (type.isFinal ? .finalFunction : .function)
                : (type.isFinal ? .finalType : .type)
            let test = TypeTest(
                kind, isNullable: nullable, depth: UInt8(truncatingIfNeeded: type.depth))
            return self.test(reference, test, layout.signature(Int(index)))
        }
        switch heap {
        case .any, .func, .extern, .exn:
            return nullable ? builder.constant(.i32, 1) : isNull(reference, .notEqual)
        case .none, .nofunc, .noextern, .noexn:
            return nullable ? isNull(reference, .equal) : builder.constant(.i32, 0)
        case .i31: return isInteger(reference, nullable: nullable)
        case .struct: return test(reference, TypeTest(.structure, isNullable: nullable), 0)
        case .array: return test(reference, TypeTest(.array, isNullable: nullable), 0)
        default: return test(reference, TypeTest(.equatable, isNullable: nullable), 0)
        }
    }

    private mutating func test(_ reference: Value, _ test: TypeTest, _ place: Int32) -> Value {
        let place = builder.constant(.i32, UInt64(UInt32(bitPattern: place)))
        // What passes without null passes with it, what does not with it does not without.
        let other = TypeTest(test.kind, isNullable: !test.isNullable, depth: test.depth)
        if let tested = builder.known(
            ApusIR.Instruction(.typeTest, .i32, reference, place, immediate: other.bits)),
            builder.decision(on: tested) == test.isNullable
        {
            return builder.constant(.i32, test.isNullable ? 1 : 0)
        }
        return builder.value(
            ApusIR.Instruction(.typeTest, .i32, reference, place, immediate: test.bits))
    }

    private mutating func isInteger(_ reference: Value, nullable: Bool) -> Value {
        let bit = builder.value(
            ApusIR.Instruction(.and, .i32, low(of: reference), builder.constant(.i32, 1)))
        if !nullable { return bit }
        return builder.value(ApusIR.Instruction(.or, .i32, bit, isNull(reference, .equal)))
    }
}
