internal import ApusDWARF
internal import ApusFormat
internal import ApusRuntime

extension Debugger {
    /// A function of a guest that has not returned. Of use only until the guest goes on.
    public struct Frame {
        private let frame: GuestFrame
        let session: DebugSession
        private let generation: UInt64

        init(_ frame: GuestFrame, _ session: DebugSession) {
            self.frame = frame
            self.session = session
            generation = session.generation
        }

        /// The instance, as long as the guest has not gone on and its code is made for debuggers.
        var state: InstanceState? {
            session.generation == generation ? frame.instance : nil
        }

        var loaded: LoadedModule { frame.module }

        /// The module that the function is of.
        public var module: Module { Module(session.engine, frame.module) }
        /// The function's index in its module, imports included.
        public var function: Int { frame.functionIndex }
        /// Offset of the instruction in the module's bytes.
        public var offset: Int { frame.module.module.sourceOffset(of: frame.offset) }
        /// The function's name as it stands in its source if that is known, else the one in the
        /// module's name section, or under which it is exported.
        public var name: String? {
            sourceFrames.last?.name
                ?? maps.name(ofFunction: function).map { session.lookup.names.demangled($0) }
        }
        /// Where in its source it is; nil if its module does not say.
        public var location: Trap.SourceLocation? { sourceFrames.first?.location }
        /// The functions of the source that it is in, innermost first: more than one if a compiler
        /// has made some of them part of others. Empty if the module does not say.
        public var sourceFrames: [Trap.SourceFrame] {
            session.lookup.frames(at: offset, of: frame.module)
        }

        /// The instance that the function is of; nil if its code is not made for debuggers.
        public var instance: Instance? {
            guard let store = session.store else { return nil }
            return state.map { Instance($0, in: store) }
        }

        /// The instance's memories, imported ones first.
        public var memories: [Memory] {
            guard let store = session.store else { return [] }
            return (state?.memories ?? []).map { Memory($0, in: store) }
        }

        // MARK: WebAssembly's own

        /// The function's locals, parameters first.
        public var locals: [Variable] {
            guard let map else { return [] }
            let names = maps.names
            return map.locals.indices.map { index in
                Variable(
                    names.local(index, of: function) ?? "local\(index)", .local(index),
                    of: map.locals[index], self)
            }
        }

        /// The values on the operand stack, from the bottom up: of a function that has called
        /// another one, as they were before that.
        public var operands: [Variable] {
            operandTypes.enumerated().map { index, type in
                Variable("operand\(index)", .operand(index), of: type, self)
            }
        }

        /// The globals of the function's instance, imported ones first.
        public var globals: [Variable] {
            let names = maps.names
            return (state?.globals ?? []).enumerated().map { index, global in
                Variable(
                    names.global(index) ?? "global\(index)", .global(index), of: global.type.value,
                    self)
            }
        }

        var maps: FrameMaps { session.maps(of: frame.module) }

        private var map: FunctionFrame? {
            state == nil ? nil : maps.frame(function)
        }

        private var operandTypes: [ValueType] {
            state == nil ? [] : maps.operands(function, before: frame.offset)
        }

        // MARK: Values

        /// Where a local or an operand is, and its type; nil if it is nowhere.
        private func slot(_ place: VariablePlace) -> (displacement: Int32, type: ValueType)? {
            guard let map else { return nil }
            switch place {
            case .local(let index):
                guard map.places.indices.contains(index), map.places[index] != 0,
                    map.locals.indices.contains(index)
                else { return nil }
                return (map.places[index], map.locals[index])
            case .operand(let index):
                let types = operandTypes
                guard types.indices.contains(index) else { return nil }
                let displacement = map.operands &+ map.stride &* Int32(truncatingIfNeeded: index)
                return (displacement, types[index])
            case .global, .memory, .value: return nil
            }
        }

        /// The bits of what is at `place`, as cells have them, and its type; nil if nothing is.
        func bits(_ place: VariablePlace) -> (bits: (UInt64, UInt64), type: ValueType)? {
            if case .global(let index) = place {
                guard let globals = state?.globals, globals.indices.contains(index) else {
                    return nil
                }
                let global = globals[index]
                return ((global.bits, global.highBits), global.type.value)
            }
            guard let slot = slot(place) else { return nil }
            var bits = frame.read(slot.displacement, isVector: slot.type == .v128)
            // The other half of such a slot is anything.
            if slot.type == .i32 || slot.type == .f32 { bits.low &= 0xFFFF_FFFF }
            return (bits, slot.type)
        }

        /// The same where a number or a vector is. What a reference refers to is found by its bits,
        /// so nobody may make them of a number, whatever the source's types say of the place.
        func numberBits(_ place: VariablePlace) -> (UInt64, UInt64)? {
            guard let found = bits(place), !found.type.isReference else { return nil }
            return found.bits
        }

        /// Writes what `bits` reads, of a value of that type; false if nothing is there, or it
        /// cannot be changed.
        func setBits(_ bits: (UInt64, UInt64), _ place: VariablePlace) -> Bool {
            if case .global(let index) = place {
                guard let globals = state?.globals, globals.indices.contains(index),
                    globals[index].type.isMutable
                else { return false }
                globals[index].bits = bits.0
                globals[index].highBits = bits.1
                return true
            }
            guard let slot = slot(place) else { return false }
            frame.write(bits, slot.displacement, isVector: slot.type == .v128)
            return true
        }
    }
}

/// A frame, as what says where variables are sees it.
struct FrameMachine: SourceMachine {
    let frame: Debugger.Frame

    func local(_ index: Int) -> UInt64? { frame.numberBits(.local(index))?.0 }
    func global(_ index: Int) -> UInt64? { frame.numberBits(.global(index))?.0 }
    func operand(_ index: Int) -> UInt64? { frame.numberBits(.operand(index))?.0 }

    func memory(at address: UInt64, count: Int) -> UInt64? {
        frame.readMemory(at: address, count: count)
    }
}
