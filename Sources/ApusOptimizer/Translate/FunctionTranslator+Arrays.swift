internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import ApusIR

/// New arrays, and many elements at once (4.6.6). Where fuel is metered the runtime does it all,
/// which takes the fuel; else arrays are made in line, and few elements, of a number that is known,
/// are written out.
extension FunctionTranslator {
    // MARK: New arrays

    mutating func translateArrayNew(_ initializer: AggregateInitializer) {
        let type = Int(reader.readIndex())
        if isFuelMetered { return callArrayNew(type, initializer) }
        let elements = aggregates.elements(type)
        let count = writtenOutElements(elements)
        let length = pop()
        guard initializer == .values else { return push(newArray(type, elements, length)) }
        let value = pop()
        let array = newArray(type, elements, length)
        push(array)
        // There are zeros.
        if builder.constant(value) == 0 { return }
        if let count {
            return fill(start(of: array, elements), with: value, count, elements)
        }
        fill(elementCount(length, elements), start(of: array, elements), with: value, .element) {
            let zero = $0.builder.constant(.i32, 0)
            $0.fillByRuntime(array, zero, value, length)
        }
    }

    /// Where the elements of an array begin.
    private mutating func start(
        of array: Value, _ elements: AggregateLayouts.Field
    ) -> MemoryAddress {
        MemoryAddress(
            base: address(of: array), index: .none, displacement: elements.offset)
    }

    private mutating func elementCount(
        _ count: Value, _ elements: AggregateLayouts.Field
    ) -> ElementCount {
        ElementCount(
            value: wide(count), type: elements.storage.loaded,
            width: Self.elementAccess(elements).width,
            shift: UInt64(ObjectLayout.bytesLog2(of: elements.storage)))
    }

    private mutating func callArrayNew(_ type: Int, _ initializer: AggregateInitializer) {
        let place = UInt32(bitPattern: layout.signature(type))
        guard initializer == .values else {
            return callRuntime(.arrayNew, [place], operands: 1, result: .ref, changing: .all)
        }
        let isVector = passElement(stack.count &- 2)
        callRuntime(
            isVector ? .arrayNewVectors : .arrayNewFilled, [place], operands: 2, result: .ref,
            changing: .all)
    }

    /// An array of zeros.
    private mutating func newArray(
        _ type: Int, _ elements: AggregateLayouts.Field, _ length: Value
    ) -> Value {
        let bytes = bytes(of: length, elements)
        let rounding = UInt64(elements.offset) + UInt64(ObjectLayout.granuleBytes - 1)
        let end = builder.value(
            ApusIR.Instruction(.add, .i64, bytes, builder.constant(.i64, rounding)))
        let mask = ~UInt64(ObjectLayout.granuleBytes - 1)
        let size = builder.value(
            ApusIR.Instruction(.and, .i64, end, builder.constant(.i64, mask)))
        return allocate(type, bytes: size, length: length)
    }

    /// How many bytes `count` elements have, in 64 bits.
    private mutating func bytes(of count: Value, _ elements: AggregateLayouts.Field) -> Value {
        let shift = UInt64(ObjectLayout.bytesLog2(of: elements.storage))
        return builder.value(
            ApusIR.Instruction(.shiftLeft, .i64, wide(count), builder.constant(.i64, shift)))
    }

    mutating func translateArrayNewData() {
        let type = Int(reader.readIndex())
        let segment = Int(reader.readIndex())
        let places = (UInt32(bitPattern: layout.signature(type)), layout.dataPlace(segment))
        if isFuelMetered {
            return callRuntime(
                .arrayNewData, [places.0, places.1], operands: 2, result: .ref, changing: .all)
        }
        let elements = aggregates.elements(type)
        let count = layout.hasRecord(ofData: segment) ? writtenOutElements(elements) : nil
        let length = pop()
        let offset = pop()
        // What lies outside comes before an array that is too large.
        guard
            let from = address(inSegment: segment, wide(offset), bytes(of: length, elements))
        else { return }
        let array = newArray(type, elements, length)
        push(array)
        if let count { return initialize(array, elements, count, from, .memory) }
        copy(
            elementCount(length, elements), start(of: array, elements), from, (.element, .memory)
        ) {
            let zero = $0.builder.constant(.i32, 0)
            $0.initialize(array, zero, by: .arrayInitData, places.1, offset, length)
        }
    }

    mutating func translateArrayNewElement() {
        let type = Int(reader.readIndex())
        let segment = Int(reader.readIndex())
        let places = (UInt32(bitPattern: layout.signature(type)), layout.elementPlace(segment))
        if isFuelMetered {
            return callRuntime(
                .arrayNewElements, [places.0, places.1], operands: 2, result: .ref, changing: .all)
        }
        let elements = aggregates.elements(type)
        let count = layout.hasRecord(ofElements: segment) ? writtenOutElements(elements) : nil
        let length = pop()
        let offset = pop()
        guard let from = address(inElements: segment, offset, wide(length)) else { return }
        let array = newArray(type, elements, length)
        push(array)
        if let count { return initialize(array, elements, count, from, .table) }
        copy(
            elementCount(length, elements), start(of: array, elements), from, (.element, .table)
        ) {
            let zero = $0.builder.constant(.i32, 0)
            $0.initialize(array, zero, by: .arrayInitElements, places.1, offset, length)
        }
    }

    /// Copies `count` elements to a new array, which has as many.
    private mutating func initialize(
        _ array: Value, _ elements: AggregateLayouts.Field, _ count: UInt64,
        _ from: MemoryAddress, _ kind: AliasClass
    ) {
        copy(start(of: array, elements), from, bytes(count, elements), (.element, kind))
    }

    /// Has the runtime copy `count` elements of an array, from `index` on, from a segment.
    private mutating func initialize(
        _ array: Value, _ index: Value, by function: RuntimeFunction, _ segment: UInt32,
        _ offset: Value, _ count: Value
    ) {
        push(array)
        push(index)
        push(offset)
        push(count)
        callRuntime(function, [segment], operands: 4, changing: [.init(.element)])
    }

    // MARK: Many elements

    mutating func translateArrayFill() {
        let elements = aggregates.elements(Int(reader.readIndex()))
        if isFuelMetered { return callArrayFill() }
        let known = writtenOutElements(elements)
        let first = stack.count &- 4
        let (array, index, value) = (stack[first], stack[first &+ 1], stack[first &+ 2])
        let count = stack[first &+ 3]
        guard let to = address(of: count, elementsAt: index, in: address(of: array), elements)
        else { return }
        stack.truncate(to: first)
        if let known { return fill(to, with: value, known, elements) }
        fill(elementCount(count, elements), to, with: value, .element) {
            $0.fillByRuntime(array, index, value, count)
        }
    }

    private mutating func fillByRuntime(
        _ array: Value, _ index: Value, _ value: Value, _ count: Value
    ) {
        push(array)
        push(index)
        push(value)
        push(count)
        callArrayFill()
    }

    private mutating func callArrayFill() {
        let isVector = passElement(stack.count &- 2)
        callRuntime(
            isVector ? .arrayFillVectors : .arrayFill, [], operands: 4,
            changing: [.init(.element)])
    }

    mutating func translateArrayCopy() {
        let elements = aggregates.elements(Int(reader.readIndex()))
        _ = reader.readIndex()
        if isFuelMetered { return callArrayCopy() }
        let known = writtenOutElements(elements)
        let first = stack.count &- 5
        let operands = (stack[first], stack[first &+ 1], stack[first &+ 2], stack[first &+ 3])
        let count = stack[first &+ 4]
        let target = address(of: operands.0)
        let source = address(of: operands.2)
        // Either being null comes before what lies outside of either.
        _ = length(of: target)
        _ = length(of: source)
        guard let to = address(of: count, elementsAt: operands.1, in: target, elements),
            let from = address(of: count, elementsAt: operands.3, in: source, elements)
        else { return }
        stack.truncate(to: first)
        if let known { return copy(to, from, bytes(known, elements), (.element, .element)) }
        copy(elementCount(count, elements), to, from, (.element, .element)) {
            $0.push(operands.0)
            $0.push(operands.1)
            $0.push(operands.2)
            $0.push(operands.3)
            $0.push(count)
            $0.callArrayCopy()
        }
    }

    private mutating func callArrayCopy() {
        callRuntime(.arrayCopy, [], operands: 5, changing: [.init(.element)])
    }

    mutating func translateArrayInitData() {
        let elements = aggregates.elements(Int(reader.readIndex()))
        let segment = Int(reader.readIndex())
        let place = layout.dataPlace(segment)
        guard !isFuelMetered, layout.hasRecord(ofData: segment) else {
            return callRuntime(
                .arrayInitData, [place], operands: 4, changing: [.init(.element)])
        }
        let known = writtenOutElements(elements)
        let first = stack.count &- 4
        let (array, index, offset) = (stack[first], stack[first &+ 1], stack[first &+ 2])
        let count = stack[first &+ 3]
        guard let to = address(of: count, elementsAt: index, in: address(of: array), elements),
            let from = address(inSegment: segment, wide(offset), bytes(of: count, elements))
        else { return }
        stack.truncate(to: first)
        if let known { return copy(to, from, bytes(known, elements), (.element, .memory)) }
        copy(elementCount(count, elements), to, from, (.element, .memory)) {
            $0.initialize(array, index, by: .arrayInitData, place, offset, count)
        }
    }

    mutating func translateArrayInitElement() {
        let elements = aggregates.elements(Int(reader.readIndex()))
        let segment = Int(reader.readIndex())
        let place = layout.elementPlace(segment)
        guard !isFuelMetered, layout.hasRecord(ofElements: segment) else {
            return callRuntime(
                .arrayInitElements, [place], operands: 4, changing: [.init(.element)])
        }
        let known = writtenOutElements(elements)
        let first = stack.count &- 4
        let (array, index, offset) = (stack[first], stack[first &+ 1], stack[first &+ 2])
        let count = stack[first &+ 3]
        guard let to = address(of: count, elementsAt: index, in: address(of: array), elements),
            let from = address(inElements: segment, offset, wide(count))
        else { return }
        stack.truncate(to: first)
        if let known { return copy(to, from, bytes(known, elements), (.element, .table)) }
        copy(elementCount(count, elements), to, from, (.element, .table)) {
            $0.initialize(array, index, by: .arrayInitElements, place, offset, count)
        }
    }

    // MARK: What is written out

    /// The number on top of the stack, if so many elements are to be written out.
    private mutating func writtenOutElements(_ elements: AggregateLayouts.Field) -> UInt64? {
        guard !isFuelMetered, let count = builder.constant(stack.last),
            bytes(count, elements) <= Self.writtenOutLimit
        else { return nil }
        return count
    }

    /// How many bytes `count` elements, fewer than 2^32, have.
    private func bytes(_ count: UInt64, _ elements: AggregateLayouts.Field) -> UInt64 {
        count &<< UInt64(ObjectLayout.bytesLog2(of: elements.storage))
    }

    /// Where `count` elements from `index` on are of the array at `base`, checked. Nil if there
    /// never are such: then the block is at its end.
    private mutating func address(
        of count: Value, elementsAt index: Value, in base: Value,
        _ elements: AggregateLayouts.Field
    ) -> MemoryAddress? {
        let length = wide(length(of: base))
        let end = builder.value(ApusIR.Instruction(.add, .i64, wide(index), wide(count)))
        let isOutside = builder.value(
            ApusIR.Instruction(
                .compare, .i32, end, length,
                immediate: IntegerCondition.greaterUnsigned.rawValue))
        guard trap(.arrayOutOfBounds, if: isOutside) else { return nil }
        return address(ofElement: index, at: base, unless: isOutside, elements)
    }

    /// More elements than this are written many at once.
    private static var singleElements: UInt64 { 4 }

    /// Writes `value` to `count` elements.
    private mutating func fill(
        _ to: MemoryAddress, with value: Value, _ count: UInt64,
        _ elements: AggregateLayouts.Field
    ) {
        let unit = UInt64(ObjectLayout.bytes(of: elements.storage))
        guard count > Self.singleElements, unit <= 8 else {
            for position in 0..<count {
                let offset = Int32(truncatingIfNeeded: position &* unit)
                builder.store(
                    value, Self.elementAccess(elements), to.base, to.index,
                    to.displacement &+ offset)
            }
            return
        }
        push(value)
        _ = passElement(stack.count &- 1)
        let bits = pop()
        let eight =
            switch builder.function.type(bits) {
            case .i32: repeated(bits, bytes: unit)
            case .ref: builder.value(ApusIR.Instruction(.bitcast, .i64, bits))
            default: bits
            }
        fill(to, withLongs: eight, count &* unit, .element)
    }

    /// Makes the operand at `position` one that the runtime takes: a float as its bits. Whether it
    /// is a vector, of which the runtime gets the address.
    private mutating func passElement(_ position: Int) -> Bool {
        let value = stack[position]
        switch builder.function.type(value) {
        case .v128: return true
        case .f32: stack[position] = builder.value(ApusIR.Instruction(.bitcast, .i32, value))
        case .f64: stack[position] = builder.value(ApusIR.Instruction(.bitcast, .i64, value))
        default: break
        }
        return false
    }
}
