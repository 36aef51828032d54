internal import ApusABI
internal import ApusCollections
internal import ApusIR

/// Objects: making them, and asking for their types.
extension Selector {
    mutating func lowerAllocation(
        _ value: Value, _ instruction: ApusIR.Instruction, _ function: borrowing Function
    ) {
        var made = MachineInstruction(.allocate)
        made.flags = .writesEarly
        var operands: AllocationOperands = []
        var bytes = VirtualRegister.none
        var length = VirtualRegister.none
        if let constant = function.constant(resolve(instruction.first)) {
            // An array that a program asks for may have more bytes than can be said here. It is too
            // large to be made in compiled code then, and so is this.
            made.immediate = min(constant, UInt64(UInt32.max))
        } else {
            operands.insert(.bytes)
            bytes = register(instruction.first, function)
        }
        if let constant = function.constant(resolve(instruction.third)) {
            made.immediate |= UInt64(UInt32(truncatingIfNeeded: constant)) << 32
        } else {
            operands.insert(.length)
            length = register(instruction.third, function)
        }
        guard let place = constant(instruction.second, function) else { return isRefused = true }
        made.displacement = Int32(truncatingIfNeeded: place)
        made.detail = operands.rawValue
        let result = resultRegister(value, function)
        let temporary = makeRegister(.i64)
        begin(made)
        define(result)
        define(temporary)
        if !bytes.isNone { use(bytes) }
        if !length.isNone { use(length) }
    }

    mutating func lowerTypeTest(
        _ value: Value, _ instruction: ApusIR.Instruction, _ function: borrowing Function
    ) {
        guard let place = constant(instruction.second, function) else { return isRefused = true }
        var made = MachineInstruction(.typeTest)
        made.flags = .writesEarly
        made.displacement = Int32(truncatingIfNeeded: place)
        made.immediate = UInt64(instruction.immediate)
        let reference = register(instruction.first, function)
        append(made, resultRegister(value, function), reference)
    }
}
