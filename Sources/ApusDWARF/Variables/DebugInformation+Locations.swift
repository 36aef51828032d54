internal import ApusCollections

/// Lists of places: a variable of optimized code is here at some instructions and there at others.
extension DebugInformation {
    /// The expression that a list has for the instruction at `address`; nil if it has none.
    mutating func expression(
        of list: AttributeValue, _ unit: CompilationUnit, at address: UInt32
    ) -> Range<Int>? {
        let address = UInt64(address)
        do throws(MalformedDebugInformation) {
            guard var reader = try AddressListReader(list, .locations, of: unit, sections) else {
                return nil
            }
            while true {
                let start = reader.position
                guard let entry = try reader.next() else { return nil }
                try lookup.spend(1 + reader.position - start, at: start)
                if address >= entry.start, address < entry.end { return entry.expression }
            }
        } catch {
            return nil
        }
    }
}
