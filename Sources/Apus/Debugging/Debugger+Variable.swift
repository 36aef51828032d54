internal import ApusCollections
internal import ApusDWARF
internal import ApusFormat

extension Debugger {
    /// Something that has a value: a variable of the source or a part of one, a local, an operand
    /// or a global. Of use only until the guest goes on.
    public struct Variable {
        /// What it is called where it is listed.
        public let name: String
        let place: VariablePlace?
        let type: SourceType?
        /// The bits that are its, from its place on, if not all are.
        let bits: Range<UInt64>?
        /// The type that WebAssembly has for it, if it is one of its own things.
        private let ownType: ValueType?
        let frame: Frame

        /// A variable of the source.
        init(
            _ name: String, _ place: VariablePlace?, _ type: SourceType?,
            bits: Range<UInt64>? = nil,
            _ frame: Frame
        ) {
            self.name = name
            self.place = place
            self.type = type
            self.bits = bits
            self.frame = frame
            ownType = nil
        }

        /// Something of WebAssembly's.
        init(_ name: String, _ place: VariablePlace, of type: ValueType, _ frame: Frame) {
            self.name = name
            self.place = place
            self.type = SourceType(type)
            self.frame = frame
            bits = nil
            ownType = type
        }

        /// The name of its type; empty if that is not known.
        public var typeName: String { type?.name ?? "" }

        /// Where it is in the first memory, if it is there.
        public var address: UInt64? {
            if case .memory(let address)? = place { address } else { nil }
        }

        /// Where in the first memory that is what it points to; nil if it points to nothing.
        public var pointedAddress: UInt64? { pointee?.address }

        /// How many bytes it has; 0 if that is not known.
        public var byteCount: UInt64 { type?.byteCount ?? 0 }

        /// Its value, if it is a local, an operand or a global.
        public var value: Value? {
            guard ownType != nil, let place, let found = frame.bits(place),
                let store = frame.session.store
            else { return nil }
            return try? Value(found.bits, of: found.type, in: store)
        }

        /// Gives a local, an operand or a global another value.
        ///
        /// - Throws: `TypeError` if it is not of its type; `VariableError` if it is none of these.
        public func set(_ value: Value) throws {
            guard let ownType, let place, let store = frame.session.store else {
                throw VariableError.isFixed(name)
            }
            try Value.check([value], against: [ownType], place: "a variable")
            guard frame.setBits(try value.bits(in: store), place) else {
                throw VariableError.isFixed(name)
            }
        }

        // MARK: Parts

        /// How many parts it has: members, elements, or what it points to.
        public var partCount: Int {
            guard let type, place != nil else { return 0 }
            switch type.kind {
            case .structure: return type.members.count
            case .array(let count): return Int(clamping: min(count, 1 << 24))
            case .pointer, .reference: return pointee == nil ? 0 : 1
            default: return 0
            }
        }

        /// The parts with these numbers.
        public func parts(_ range: Range<Int>? = nil) -> [Variable] {
            guard let type else { return [] }
            let numbers = (range ?? 0..<min(partCount, Self.partLimit)).clamped(to: 0..<partCount)
            switch type.kind {
            case .structure: return numbers.map { member(type.members[$0]) }
            case .array: return numbers.map { element(Int64($0)) }
            case .pointer, .reference: return numbers.isEmpty ? [] : pointee.map { [$0] } ?? []
            default: return []
            }
        }

        /// More are not shown unless somebody asks for them.
        private static var partLimit: Int { 1000 }

        /// How deep members without names are looked into, and how many members are looked at: a
        /// type may have itself as a part.
        private static var partDepth: Int { 16 }
        private static var lookedAt: Int { 1 << 16 }

        /// The part called `name`, also of what it points to, and a reference to a pointer.
        func part(named name: String) -> Variable? {
            let object = type?.kind == .reference ? pointee : self
            let whole = object?.type?.kind == .pointer ? object?.pointee : object
            var left = Self.lookedAt
            return whole?.ownPart(named: name, depth: Self.partDepth, &left)
        }

        /// The part called `name` of a structure, if it is among so many and no deeper.
        private func ownPart(named name: String, depth: Int, _ left: inout Int) -> Variable? {
            guard let type, type.kind == .structure, depth > 0 else { return nil }
            left -= type.members.count
            if let member = type.members.first(where: { $0.name == name }) {
                return self.member(member)
            }
            // Those without names have their members here.
            for member in type.members where member.name.isEmpty && left > 0 {
                let part = self.member(member)
                if let found = part.ownPart(named: name, depth: depth - 1, &left) { return found }
            }
            return nil
        }

        private func member(_ member: SourceType.Member) -> Variable {
            let type = member.type.flatMap { frame.type($0) }
            return Variable(
                member.name.isEmpty ? type?.name ?? "" : member.name,
                place.flatMap { Self.place($0, plus: member.byteOffset) }, type,
                bits: member.bits, frame)
        }

        /// The element `index` of an array, or of one that it points to.
        func element(_ index: Int64) -> Variable {
            let element = type?.element.flatMap { frame.type($0) }
            let start: VariablePlace? =
                type?.kind == .pointer ? number.map { .memory(frame.address($0)) } : place
            let distance = UInt64(bitPattern: index) &* (element?.byteCount ?? 0)
            return Variable(
                "[\(index)]", start.flatMap { Self.place($0, plus: distance) }, element, frame)
        }

        /// What it points to.
        var pointee: Variable? {
            guard let type, type.kind == .pointer || type.kind == .reference,
                let element = type.element.flatMap({ frame.type($0) }), element.byteCount > 0,
                let address = number, address != 0
            else { return nil }
            return Variable("*" + name, .memory(frame.address(address)), element, frame)
        }

        private static func place(_ place: VariablePlace, plus offset: UInt64) -> VariablePlace? {
            switch place {
            case .memory(let address): .memory(address &+ offset)
            case .value(let value): offset < 8 ? .value(value >> (8 * offset)) : nil
            case .local, .global, .operand: offset == 0 ? place : nil
            }
        }

        // MARK: Numbers

        /// Its bits as a number, zero-extended; nil if it has none, or too many.
        var number: UInt64? {
            guard let place, let type else { return nil }
            let bytes = Int(clamping: type.byteCount)
            guard bytes > 0, bytes <= 8 else { return nil }
            let whole: UInt64?
            switch place {
            case .memory(let address):
                let needed = bits.map { Int(($0.upperBound + 7) / 8) } ?? bytes
                whole = frame.readMemory(at: address, count: min(needed, 8))
            case .value(let value): whole = value
            case .local, .global, .operand: whole = frame.numberBits(place)?.0
            }
            guard let whole else { return nil }
            if let bits { return whole >> bits.lowerBound & Self.mask(bits.count) }
            return whole & Self.mask(bytes * 8)
        }

        /// The number, if it is a signed one.
        var signedNumber: Int64? {
            number.map { number in
                let shift = Int64(64 - (bits?.count ?? Int(clamping: byteCount) * 8))
                return Int64(bitPattern: number << UInt64(shift)) >> shift
            }
        }

        private static func mask(_ bits: Int) -> UInt64 {
            bits >= 64 ? .max : 1 << UInt64(bits) - 1
        }

        /// Writes a number; false if that is not possible.
        func setNumber(_ number: UInt64) -> Bool {
            guard let place, let type else { return false }
            let bytes = Int(clamping: type.byteCount)
            guard bytes > 0, bytes <= 8 else { return false }
            switch place {
            case .memory(let address):
                var count = bytes
                var written = number
                if let bits {
                    count = min(Int((bits.upperBound + 7) / 8), 8)
                    guard let old = frame.readMemory(at: address, count: count) else {
                        return false
                    }
                    let mask = Self.mask(bits.count) << bits.lowerBound
                    written = old & ~mask | number << bits.lowerBound & mask
                }
                return frame.write(written, count: count, at: address)
            case .local, .global, .operand:
                guard let old = frame.numberBits(place) else { return false }
                let mask = Self.mask(bytes * 8)
                let low = old.0 & ~mask | number & mask
                return frame.setBits((low, old.1), place)
            case .value: return false
            }
        }
    }

    /// Why something cannot be done with a variable.
    public enum VariableError: Error, Hashable, Sendable, CustomStringConvertible {
        /// It is nowhere, or may not be changed.
        case isFixed(String)
        /// The text is no value of its type.
        case isNoValue(String)
        /// The text of an expression cannot be understood.
        case expression(String)

        public var description: String {
            switch self {
            case .isFixed(let name): "\(name) cannot be changed"
            case .isNoValue(let text): "\(text) is no value of that type"
            case .expression(let reason): reason
            }
        }
    }
}

extension SourceType {
    /// A type of WebAssembly's own.
    init(_ type: ValueType) {
        let kind: Kind
        let bytes: UInt64
        switch type {
        case .i32: (kind, bytes) = (.signed, 4)
        case .i64: (kind, bytes) = (.signed, 8)
        case .f32: (kind, bytes) = (.float, 4)
        case .f64: (kind, bytes) = (.float, 8)
        default: (kind, bytes) = (.other, type == .v128 ? 16 : 8)
        }
        self.init(name: "\(type)", kind: kind, byteCount: bytes)
    }
}

extension Debugger.Frame {
    func type(_ id: SourceTypeID) -> SourceType? {
        loaded.sourceIndex?.type(id, &session.lookup.budget)
    }

    /// An address as the first memory has them.
    func address(_ number: UInt64) -> UInt64 {
        state?.memories.first?.type.is64 == true ? number : number & 0xFFFF_FFFF
    }

    /// Writes the `count` low bytes of `number`.
    func write(_ number: UInt64, count: Int, at address: UInt64) -> Bool {
        guard let memory = state?.memories.first else { return false }
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * $0)) }
        return memory.write(bytes.span, at: address)
    }

    /// `count` bytes of the first memory, at most 8, as a little-endian number.
    func readMemory(at address: UInt64, count: Int) -> UInt64? {
        guard count >= 0, count <= 8,
            let bytes = state?.memories.first?.read(count, at: address)
        else { return nil }
        return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    // MARK: Variables of the source

    /// Whether the module has DWARF sections, which may say something of variables.
    @_spi(ApusCLI)
    public var hasDebugInformation: Bool { loaded.sourceIndex?.knowsVariables == true }

    /// The variables of the source's function that is this far outwards from the innermost one
    /// (`sourceFrames`), the innermost last; empty if the module does not say, as without DWARF
    /// sections.
    public func variables(ofSourceFrame index: Int = 0) -> [Debugger.Variable] {
        let lists = loaded.sourceIndex?.variables(at: offset, &session.lookup.budget) ?? []
        return lists.indices.contains(index) ? lists[index].map(variable) : []
    }

    /// The variables that belong to no function, of the file that the function comes from.
    public var globalVariables: [Debugger.Variable] {
        let found = loaded.sourceIndex?.globalVariables(at: offset, &session.lookup.budget)
        return (found ?? []).map(variable)
    }

    func globalVariable(named name: String) -> Debugger.Variable? {
        loaded.sourceIndex?.globalVariable(named: name, at: offset, &session.lookup.budget)
            .map(variable)
    }

    private func variable(_ found: SourceVariable) -> Debugger.Variable {
        Debugger.Variable(
            found.name, found.location?.place(in: FrameMachine(frame: self)),
            found.type.flatMap { type($0) }, self)
    }
}
