internal import ApusCollections

extension FunctionValidator {
    /// The types of the operands that are on the stack before the instruction at `offset` of the
    /// module's bytes, from the bottom up. Nil if none begins there in function `index`, or nothing
    /// reaches it.
    ///
    /// - Throws: as `validate(_:)`. What that has learned is gone afterwards.
    public mutating func operandTypes(
        before offset: Int, in index: Int
    ) throws(ModuleError) -> [ValueType]? {
        begin(module.bodies[index &- module.importedFunctionCount])
        let signature = signatures.ofFunction(index)
        try readLocals(signature)
        openBody(signature)
        while !frames.isEmpty, reader.position < offset {
            instruction = reader.position
            try validateInstruction()
        }
        guard !frames.isEmpty, reader.position == offset, !isUnreachable else { return nil }
        return (0..<operands.count).map { operands[$0] }
    }

    /// Where the instructions of function `index` begin in the module's bytes, its final `end`
    /// included.
    ///
    /// - Throws: as `validate(_:)`. What that has learned is gone afterwards.
    public mutating func instructionOffsets(of index: Int) throws(ModuleError) -> [Int] {
        begin(module.bodies[index &- module.importedFunctionCount])
        let signature = signatures.ofFunction(index)
        try readLocals(signature)
        openBody(signature)
        var offsets: [Int] = []
        while !frames.isEmpty {
            instruction = reader.position
            offsets.append(instruction)
            try validateInstruction()
        }
        return offsets
    }

    /// The types of the locals of function `index`, parameters first.
    ///
    /// - Throws: as `validate(_:)`. What that has learned is gone afterwards.
    public mutating func localTypes(of index: Int) throws(ModuleError) -> [ValueType] {
        begin(module.bodies[index &- module.importedFunctionCount])
        let type = module.functionType(index)
        try readLocals(signatures.ofFunction(index))
        return (0..<analysis.locals.count).map { local in
            local < type.parameters.count
                ? type.parameters[local] : analysis.locals.declaredType(local)
        }
    }
}
