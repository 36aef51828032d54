internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import ApusIR

/// Structures and arrays (4.6.6). Null is noticed where a header or a field of it is read.
extension FunctionTranslator {
    // MARK: Structures

    mutating func translateStructNew(_ initializer: AggregateInitializer) {
        let type = Int(reader.readIndex())
        let bytes = UInt64(aggregates.structureBytes(type))
        if isFuelMetered, initializer == .defaults, FuelCost.ofStructure(bytes: bytes) > 0 {
            let place = UInt32(bitPattern: layout.signature(type))
            return callRuntime(
                .structNew, [place], operands: 0, result: .ref, changing: .all)
        }
        let object = allocate(
            type, bytes: builder.constant(.i64, bytes),
            length: builder.constant(.i32, 0))
        guard initializer == .values else { return push(object) }
        let base = address(of: object)
        let count = aggregates.fieldCount(type)
        let first = stack.count &- count
        for index in 0..<count {
            let field = aggregates.field(type, index)
            initialize(stack[first &+ index], Self.access(field), base, field.offset)
        }
        stack.truncate(to: first)
        push(object)
    }

    mutating func translateStructGet(_ sign: FieldExtension) {
        let field = readField()
        let reference = pop()
        guard checkStructure(reference, field) else { return }
        push(
            builder.load(
                field.storage.loaded, Self.access(field, sign), address(of: reference), .none,
                field.offset))
    }

    mutating func translateStructSet() {
        let field = readField()
        let value = pop()
        let reference = pop()
        guard checkStructure(reference, field) else { return }
        builder.store(value, Self.access(field), address(of: reference), .none, field.offset)
    }

    private mutating func readField() -> AggregateLayouts.Field {
        let type = Int(reader.readIndex())
        return aggregates.field(type, Int(reader.readIndex()))
    }

    /// Traps if a reference is null and the field too far away for its access to fault; false if
    /// it always is.
    private mutating func checkStructure(
        _ reference: Value, _ field: AggregateLayouts.Field
    ) -> Bool {
        guard field.offset >= ObjectLayout.faultingBytes else { return true }
        return trap(.nullStructureReference, if: isNull(reference, .equal))
    }

    private static func access(
        _ field: AggregateLayouts.Field, _ sign: FieldExtension = .unsigned
    ) -> MemoryAccess {
        MemoryAccess(
            field.storage.accessWidth(sign), .field,
            trapCode: TrapCode.nullStructureReference.rawValue)
    }

    /// The address of an object.
    mutating func address(of reference: Value) -> Value {
        builder.value(ApusIR.Instruction(.bitcast, .i64, reference))
    }

    /// What becomes of the heap for that may run code of the host's: limiters, and what objects of
    /// the host's do at their end. That may do anything to the store but call its guests.
    mutating func allocate(_ type: Int, bytes: Value, length: Value) -> Value {
        let place = builder.constant(.i32, UInt64(UInt32(bitPattern: layout.signature(type))))
        let object = builder.append(ApusIR.Instruction(.allocate, .ref, bytes, place, length))
        builder.invalidate(.all)
        return object
    }

    /// Writes what a new object has at `displacement`, where there are zeros.
    private mutating func initialize(
        _ value: Value, _ access: MemoryAccess, _ base: Value, _ displacement: Int32
    ) {
        if builder.constant(value) == 0 { return }
        builder.store(value, access, base, .none, displacement)
    }

    mutating func translateArrayNewFixed() {
        let type = Int(reader.readIndex())
        let count = Int(reader.readIndex())
        let elements = aggregates.elements(type)
        let unit = ObjectLayout.bytes(of: elements.storage)
        let bytes = ObjectLayout.objectBytes(Int(elements.offset) &+ count &* unit)
        let object = allocate(
            type, bytes: builder.constant(.i64, UInt64(bytes)),
            length: builder.constant(.i32, UInt64(count)))
        let base = address(of: object)
        let first = stack.count &- count
        for index in 0..<count {
            let offset = elements.offset &+ Int32(truncatingIfNeeded: index &* unit)
            initialize(stack[first &+ index], Self.elementAccess(elements), base, offset)
        }
        stack.truncate(to: first)
        push(object)
    }

    // MARK: Elements

    mutating func translateArrayLength() { push(length(of: address(of: pop()))) }

    /// How many elements the array at `base` has, which never changes.
    mutating func length(of base: Value) -> Value {
        let access = MemoryAccess(
            .full, .constant, trapCode: TrapCode.nullArrayReference.rawValue)
        return builder.load(.i32, access, base, .none, ObjectLayout.length)
    }

    mutating func translateArrayGet(_ sign: FieldExtension) {
        let elements = aggregates.elements(Int(reader.readIndex()))
        let index = pop()
        guard let address = address(ofElement: index, of: pop(), elements) else { return }
        push(
            builder.load(
                elements.storage.loaded, Self.elementAccess(elements, sign), address.base,
                address.index, address.displacement))
    }

    mutating func translateArraySet() {
        let elements = aggregates.elements(Int(reader.readIndex()))
        let value = pop()
        let index = pop()
        guard let address = address(ofElement: index, of: pop(), elements) else { return }
        builder.store(
            value, Self.elementAccess(elements), address.base, address.index, address.displacement)
    }

    /// Where the element at `index` of an array is, checked; where the processor goes on with a
    /// wrong index before it knows, the first one. Nil if there never is such an element: then the
    /// block is at its end.
    private mutating func address(
        ofElement index: Value, of array: Value, _ elements: AggregateLayouts.Field
    ) -> MemoryAddress? {
        let base = address(of: array)
        let isOutside = builder.value(
            ApusIR.Instruction(
                .compare, .i32, index, length(of: base),
                immediate: IntegerCondition.greaterOrEqualUnsigned.rawValue))
        guard trap(.arrayOutOfBounds, if: isOutside) else { return nil }
        return address(ofElement: index, at: base, unless: isOutside, elements)
    }

    /// Where the element at `index` of the array at `base` is, or the first one if that is outside.
    mutating func address(
        ofElement index: Value, at base: Value, unless isOutside: Value,
        _ elements: AggregateLayouts.Field
    ) -> MemoryAddress {
        let masked = builder.value(
            ApusIR.Instruction(.select, .i32, isOutside, builder.constant(.i32, 0), index))
        let wide = builder.value(ApusIR.Instruction(.extendUnsigned, .i64, masked))
        let shift = UInt64(ObjectLayout.bytesLog2(of: elements.storage))
        let distance = builder.value(
            ApusIR.Instruction(.shiftLeft, .i64, wide, builder.constant(.i64, shift)))
        return MemoryAddress(base: base, index: distance, displacement: elements.offset)
    }

    static func elementAccess(
        _ elements: AggregateLayouts.Field, _ sign: FieldExtension = .unsigned
    ) -> MemoryAccess {
        MemoryAccess(elements.storage.accessWidth(sign), .element)
    }
}

extension ValueType {
    /// What a field of this type is when it has been read.
    var loaded: IRType { self == .i8 || self == .i16 ? .i32 : IRType(self) }

    /// How a field of this type is read, and with `unsigned` written.
    fileprivate func accessWidth(_ sign: FieldExtension) -> AccessWidth {
        switch self {
        case .i8: sign == .signed ? .signed8 : .unsigned8
        case .i16: sign == .signed ? .signed16 : .unsigned16
        default: .full
        }
    }
}
