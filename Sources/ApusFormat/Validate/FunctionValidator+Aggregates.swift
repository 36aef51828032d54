internal import ApusCollections

/// Structures and arrays (3.4.7).
extension FunctionValidator {
    // MARK: Types

    /// Reads the index of a type that must be of `kind`.
    private mutating func readType(_ kind: CompositeKind) throws(ModuleError) -> Int {
        try checkType(try reader.readUnsigned32(), is: kind)
    }

    /// Reads the index of an array type. Returns the type of its elements, too.
    private mutating func readArrayType() throws(ModuleError) -> (type: Int, element: FieldType) {
        let type = try readType(.array)
        return (type, signatures.field(0, of: signatures.fields(type)))
    }

    /// As `readArrayType`, but the elements must be mutable.
    private mutating func readMutableArrayType() throws(ModuleError) -> (
        type: Int, element: FieldType
    ) {
        let (type, element) = try readArrayType()
        guard element.isMutable else {
            throw invalid("immutable array: \(module.describe(type: type))")
        }
        return (type, element)
    }

    private mutating func reference(to type: Int, nullable: Bool) -> ValueType {
        .reference(HeapType(typeIndex: signatures.place(type).canonical), nullable: nullable)
    }

    /// Pops a reference to an aggregate of type `type`, or null.
    private mutating func popAggregate(_ type: Int) throws(ModuleError) {
        try pop(reference(to: type, nullable: true))
    }

    private mutating func pushNew(_ type: Int) {
        note([.allocates, .callsRuntime])
        push(reference(to: type, nullable: false))
    }

    /// Pushes what is read of a field or an element.
    private mutating func push(_ field: FieldType) {
        if field.storage == .v128 { analysis.flags.insert(.usesVectors) }
        push(field.unpacked)
    }

    private mutating func checkDefaults(_ type: Int) throws(ModuleError) {
        guard signatures.place(type).hasDefaults else {
            throw invalid(
                "type mismatch: \(module.describe(type: type)) has a field without a default value")
        }
    }

    /// Packed fields are read with a sign, others without one.
    private mutating func check(
        _ field: FieldType, isReadBy sign: FieldExtension
    ) throws(ModuleError) {
        guard field.isPacked != (sign == .none) else {
            let text = field.isPacked ? "is packed and needs" : "is not packed and takes no"
            throw invalid("type mismatch: the field \(text) sign extension")
        }
    }

    private mutating func checkNumeric(_ element: FieldType) throws(ModuleError) {
        guard !element.storage.isReference else {
            throw invalid("array type is not numeric or vector")
        }
    }

    // MARK: Structures

    mutating func validateStructNew(_ values: AggregateInitializer) throws(ModuleError) {
        let type = try readType(.structure)
        switch values {
        case .values:
            let fields = signatures.fields(type)
            try pop(fields.count, from: fields.valueStart)
        case .defaults: try checkDefaults(type)
        }
        pushNew(type)
    }

    /// Reads a structure type and one of its fields.
    private mutating func readField() throws(ModuleError) -> (
        type: Int, index: Int, field: FieldType
    ) {
        let type = try readType(.structure)
        let fields = signatures.fields(type)
        let index = try readIndex(below: Int(fields.count), "field")
        return (type, index, signatures.field(Int32(truncatingIfNeeded: index), of: fields))
    }

    mutating func validateStructGet(_ sign: FieldExtension) throws(ModuleError) {
        let (type, _, field) = try readField()
        try check(field, isReadBy: sign)
        try popAggregate(type)
        push(field)
    }

    mutating func validateStructSet() throws(ModuleError) {
        let (type, index, field) = try readField()
        guard field.isMutable else {
            throw invalid("immutable \(module.describe(field: index, of: type))")
        }
        note(.writesHeap)
        try pop(field.unpacked)
        try popAggregate(type)
    }

    // MARK: Arrays

    mutating func validateArrayNew(_ values: AggregateInitializer) throws(ModuleError) {
        let (type, element) = try readArrayType()
        try pop(.i32)
        switch values {
        case .values: try pop(element.unpacked)
        case .defaults: try checkDefaults(type)
        }
        pushNew(type)
    }

    mutating func validateArrayNewFixed() throws(ModuleError) {
        let (type, element) = try readArrayType()
        let count = try reader.readUnsigned32()
        guard count <= ModuleTypes.fixedArrayLimit else {
            throw ModuleError(
                .limit, at: instruction,
                "array.new_fixed of \(count) elements, the limit is \(ModuleTypes.fixedArrayLimit)")
        }
        try pop(element.unpacked, times: count)
        pushNew(type)
    }

    mutating func validateArrayNewData() throws(ModuleError) {
        let (type, element) = try readArrayType()
        try checkNumeric(element)
        try readDataIndex()
        try pop(.i32)
        try pop(.i32)
        pushNew(type)
    }

    mutating func validateArrayNewElement() throws(ModuleError) {
        let (type, element) = try readArrayType()
        try checkElements(try readElementIndex(), fit: element)
        try pop(.i32)
        try pop(.i32)
        pushNew(type)
    }

    private mutating func checkElements(_ type: ValueType, fit element: FieldType)
        throws(ModuleError)
    {
        guard matches(type, element.storage) else {
            throw invalid(
                "type mismatch: the array holds \(module.describe(element.storage)), "
                    + "not \(module.describe(type))")
        }
    }

    mutating func validateArrayGet(_ sign: FieldExtension) throws(ModuleError) {
        let (type, element) = try readArrayType()
        try check(element, isReadBy: sign)
        try pop(.i32)
        try popAggregate(type)
        push(element)
    }

    mutating func validateArraySet() throws(ModuleError) {
        let (type, element) = try readMutableArrayType()
        note(.writesHeap)
        try pop(element.unpacked)
        try pop(.i32)
        try popAggregate(type)
    }

    mutating func validateArrayLength() throws(ModuleError) {
        try pop(.reference(.array, nullable: true))
        push(.i32)
    }

    mutating func validateArrayFill() throws(ModuleError) {
        let (type, element) = try readMutableArrayType()
        note([.writesHeap, .callsRuntime])
        try pop(.i32)
        try pop(element.unpacked)
        try pop(.i32)
        try popAggregate(type)
    }

    mutating func validateArrayCopy() throws(ModuleError) {
        let (destination, target) = try readMutableArrayType()
        let (source, given) = try readArrayType()
        guard matches(given.storage, target.storage) else {
            throw invalid(
                "array types do not match: \(given.storage) cannot be copied to \(target.storage)")
        }
        note([.writesHeap, .callsRuntime])
        try pop(.i32)
        try pop(.i32)
        try popAggregate(source)
        try pop(.i32)
        try popAggregate(destination)
    }

    mutating func validateArrayInitData() throws(ModuleError) {
        let (type, element) = try readMutableArrayType()
        try checkNumeric(element)
        try readDataIndex()
        try popInitialization(of: type)
    }

    mutating func validateArrayInitElement() throws(ModuleError) {
        let (type, element) = try readMutableArrayType()
        try checkElements(try readElementIndex(), fit: element)
        try popInitialization(of: type)
    }

    private mutating func popInitialization(of type: Int) throws(ModuleError) {
        note([.writesHeap, .callsRuntime])
        try pop(.i32, .i32, .i32)
        try popAggregate(type)
    }
}
