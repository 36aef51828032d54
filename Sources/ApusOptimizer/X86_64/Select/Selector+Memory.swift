internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat
internal import ApusIR

/// Addresses, loads and stores.
extension Selector {
    // MARK: Addresses

    /// The memory operand of a load or store: as much of its address as the processor computes.
    mutating func address(
        _ instruction: ApusIR.Instruction, _ function: borrowing Function
    ) -> AddressParts {
        var displacement = Int64(function.displacement(instruction))
        let base = foldOffset(resolve(instruction.first), &displacement, function)
        var index = Value.none
        var scale: UInt8 = 0
        if !instruction.second.isNone {
            index = foldOffset(resolve(instruction.second), &displacement, function)
            if let constant = constantIndex(index, displacement, function) {
                displacement &+= constant
                index = .none
            }
        }
        if !index.isNone { index = foldScale(index, &scale, function) }
        let isContext = function[base].operator == .context
        var parts = AddressParts(
            form: isContext
                ? (index.isNone ? .context : .contextIndex) : (index.isNone ? .base : .baseIndex))
        parts.displacement = Int32(truncatingIfNeeded: displacement)
        parts.scaleLog2 = scale
        if !isContext { parts.base = register(base, function) }
        if !index.isNone { parts.index = register(index, function) }
        return parts
    }

    /// Without a constant that is added to `value` and fits the displacement.
    private mutating func foldOffset(
        _ value: Value, _ displacement: inout Int64, _ function: borrowing Function
    ) -> Value {
        let instruction = function[value]
        guard instruction.operator == .add else { return value }
        // What an i32 comes to in 64 bits is only known if it does not wrap.
        if instruction.type == .i32, !instruction.wrapFlags.contains(.noWrap) { return value }
        guard let constant = function.constant(resolve(instruction.second)) else { return value }
        // Without wrapping, the constant of an i32 has no sign.
        let sum = displacement &+ Int64(bitPattern: constant)
        guard Int32(exactly: sum) != nil else { return value }
        displacement = sum
        return resolve(instruction.first)
    }

    private mutating func constantIndex(
        _ index: Value, _ displacement: Int64, _ function: borrowing Function
    ) -> Int64? {
        guard let constant = function.constant(index) else { return nil }
        let number = Int64(bitPattern: constant)
        return Int32(exactly: number &+ displacement) == nil ? nil : number
    }

    /// Without a multiplication by 2, 4 or 8.
    private mutating func foldScale(
        _ value: Value, _ scale: inout UInt8, _ function: borrowing Function
    ) -> Value {
        let instruction = function[value]
        guard instruction.operator == .shiftLeft else { return value }
        if instruction.type == .i32, !instruction.wrapFlags.contains(.noWrap) { return value }
        guard let count = function.constant(resolve(instruction.second)), (1...3).contains(count)
        else { return value }
        scale = UInt8(truncatingIfNeeded: count)
        return resolve(instruction.first)
    }

    // MARK: Folding

    /// Whether `value` is a load that the instruction at hand, its only user, may do itself:
    /// nothing in between has effects.
    mutating func canFoldLoad(_ value: Value, _ function: borrowing Function) -> Bool {
        function.type(value) != .v128 && isFoldable(value, function)
    }

    /// The same of a load of any type and of this width; one of a vector need not be aligned.
    mutating func isFoldable(
        _ value: Value, _ function: borrowing Function, width: AccessWidth = .full
    ) -> Bool {
        let value = resolve(value)
        let instruction = function[value]
        return instruction.operator == .load && instruction.access.width == width
            && useCounts[value.index] == 1
            && homes[value.index] == block && colors[value.index] == color
            && names[value.index].isNone
            && !(raises && instruction.canTrap)
    }

    /// The memory operand of a load that becomes part of `user`.
    mutating func foldLoad(
        _ value: Value, _ function: borrowing Function, _ user: inout MachineInstruction
    ) -> AddressParts {
        let value = resolve(value)
        isFolded[value.index] = true
        // A load that cannot trap has no place: its user may trap, and has its own.
        if function[value].canTrap {
            user.trap = function[value].access.trapCode
            user.offset = function.offsets[value.index]
        }
        return address(function[value], function)
    }

    /// Whether a float operand can be read from memory: a constant, or a load.
    mutating func isFloatMemory(_ value: Value, _ function: borrowing Function) -> Bool {
        let value = resolve(value)
        if function[value].operator == .constant { return function[value].bits != 0 }
        return canFoldLoad(value, function)
    }

    mutating func floatMemory(
        _ value: Value, _ function: borrowing Function, _ user: inout MachineInstruction
    ) -> AddressParts {
        let value = resolve(value)
        if function[value].operator == .constant {
            user.immediate = function[value].bits
            return AddressParts(form: .constant)
        }
        return foldLoad(value, function, &user)
    }

    // MARK: Loads

    mutating func lowerLoad(
        _ value: Value, _ instruction: ApusIR.Instruction, _ function: borrowing Function
    ) {
        let access = instruction.access
        let result = resultRegister(value, function)
        var made = MachineInstruction(.load)
        made.trap = access.trapCode
        made.width = instruction.type.width
        if instruction.type.isGeneral {
            guard let extension_ = Self.loadExtension(access.width, instruction.type) else {
                return isRefused = true
            }
            made.detail = extension_.rawValue
        } else {
            made.opcode = .loadFloat
            if access.width != .full {
                guard let load = Self.vectorLoad(access.width) else { return isRefused = true }
                made.opcode = .loadVector
                made.detail = load.rawValue
            }
        }
        if access.alias == .constant, !access.canTrap {
            made.condition = MachineInstruction.constantLoad
        }
        let memory = address(instruction, function)
        begin(made, memory)
        define(result)
        useMemory(memory)
    }

    private static func loadExtension(_ width: AccessWidth, _ type: IRType) -> LoadExtension? {
        let isLong = type != .i32
        return switch width {
        case .full: isLong ? .full64 : .zero32
        case .signed8: isLong ? .signed8To64 : .signed8To32
        case .signed16: isLong ? .signed16To64 : .signed16To32
        case .signed32: isLong ? .signed32To64 : .zero32
        case .unsigned8: .zero8
        case .unsigned16: .zero16
        case .unsigned32: .zero32
        default: nil
        }
    }

    // MARK: Stores

    mutating func lowerStore(
        _ instruction: ApusIR.Instruction, _ function: borrowing Function
    ) {
        let stored = function.stored(instruction)
        let type = function.type(stored)
        var made = MachineInstruction(.store)
        made.trap = instruction.access.trapCode
        guard let width = Self.storeWidth(instruction.access.width, type) else {
            return isRefused = true
        }
        made.width = width
        if lowerReadModifyWrite(instruction, stored, made, function) { return }
        let bits = function.constant(resolve(stored))
        if let bits, let number = Self.storeImmediate(bits, width) {
            made.opcode = .storeImmediate
            made.immediate = UInt64(bitPattern: Int64(number))
            let memory = address(instruction, function)
            begin(made, memory)
            return useMemory(memory)
        }
        if !type.isGeneral { made.opcode = .storeFloat }
        let value = register(stored, function)
        let memory = address(instruction, function)
        begin(made, memory)
        use(value)
        useMemory(memory)
    }

    private static func storeImmediate(_ bits: UInt64, _ width: OperandWidth) -> Int32? {
        switch width {
        case .w64: Int32(exactly: Int64(bitPattern: bits))
        case .w128: nil
        default: Int32(truncatingIfNeeded: bits)
        }
    }

    static func storeWidth(_ width: AccessWidth, _ type: IRType) -> OperandWidth? {
        switch width {
        case .full: type.width
        case .unsigned8: .w8
        case .unsigned16: .w16
        case .unsigned32: .w32
        default: nil
        }
    }

    /// `[address] = [address] op x`, nothing in between having effects.
    private mutating func lowerReadModifyWrite(
        _ store: ApusIR.Instruction, _ stored: Value, _ made: MachineInstruction,
        _ function: borrowing Function
    ) -> Bool {
        let value = resolve(stored)
        let operation = function[value]
        guard store.access.width == .full, operation.type.isInteger,
            useCounts[value.index] == 1, homes[value.index] == block,
            names[value.index].isNone, let op = Self.storedOp(operation.operator)
        else { return false }
        var left = operation.first
        var right = operation.second
        let commutes = operation.operator.row.effects.contains(.commutes)
        if commutes, !isSamePlace(left, store, function) { swap(&left, &right) }
        guard isSamePlace(left, store, function), !canFoldLoad(right, function) else {
            return false
        }
        isFolded[value.index] = true
        isFolded[resolve(left).index] = true
        var made = made
        made.detail = op.rawValue
        // It is the load that faults first.
        made.offset = function.offsets[resolve(left).index]
        if let number = immediate(right, function) {
            made.opcode = .aluStoreImmediate
            made.immediate = UInt64(bitPattern: Int64(number))
            let memory = address(store, function)
            begin(made, memory)
            useMemory(memory)
        } else {
            made.opcode = .aluStore
            let operand = register(right, function)
            let memory = address(store, function)
            begin(made, memory)
            use(operand)
            useMemory(memory)
        }
        return true
    }

    static func storedOp(_ operator: Operator) -> AluOp? {
        switch `operator` {
        case .add, .atomicAdd: .add
        case .subtract: .sub
        case .and, .atomicAnd: .and
        case .or, .atomicOr: .or
        case .xor, .atomicXor: .xor
        default: nil
        }
    }

    private mutating func isSamePlace(
        _ value: Value, _ store: ApusIR.Instruction, _ function: borrowing Function
    ) -> Bool {
        guard canFoldLoad(value, function) else { return false }
        let load = function[resolve(value)]
        return resolve(load.first) == resolve(store.first)
            && (load.second.isNone
                ? store.second.isNone
                : !store.second.isNone && resolve(load.second) == resolve(store.second))
            && load.displacement == function.displacement(store)
            && load.access.alias == store.access.alias
    }
}
