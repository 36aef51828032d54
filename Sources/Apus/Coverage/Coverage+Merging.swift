extension Coverage {
    /// Adds what `other` has seen: another run, or another module.
    ///
    /// Lines, functions and branches are the same if they are at the same place of a file of the
    /// same path, and their counts are added up. The functions that are left out are the greater
    /// number of both.
    public mutating func merge(_ other: Coverage) {
        unmappedFunctions = max(unmappedFunctions, other.unmappedFunctions)
        files = Self.merged(files, other.files, \.path) { file, other in
            file.lines = Self.merged(file.lines, other.lines, \.number) { line, other in
                line.count = Self.sum(line.count, other.count)
            }
            file.functions = Self.merged(file.functions, other.functions, \.place) { own, other in
                own.count = Self.sum(own.count, other.count)
            }
            file.branches = Self.merged(file.branches, other.branches, \.place) { branch, other in
                branch.add(other.counts)
            }
            file.text = file.text ?? other.text
        }
    }

    /// The elements of both, which are in the order of their keys; those with the same one joined.
    private static func merged<Element, Key: Comparable>(
        _ left: [Element], _ right: [Element], _ key: (Element) -> Key,
        _ join: (inout Element, Element) -> Void
    ) -> [Element] {
        var merged: [Element] = []
        merged.reserveCapacity(max(left.count, right.count))
        var rest = right[...]
        for element in left {
            let place = key(element)
            while let next = rest.first, key(next) < place {
                merged.append(rest.removeFirst())
            }
            var element = element
            while let next = rest.first, key(next) == place {
                join(&element, next)
                rest.removeFirst()
            }
            merged.append(element)
        }
        return merged + rest
    }

    /// What counts without end ends at the highest number.
    static func sum(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let (sum, overflows) = left.addingReportingOverflow(right)
        return overflows ? .max : sum
    }
}

extension Coverage.Function {
    /// Where it is among the functions of its file.
    struct Place: Hashable, Comparable {
        var line: Int
        var name: String

        static func < (left: Place, right: Place) -> Bool {
            (left.line, left.name) < (right.line, right.name)
        }
    }

    var place: Place { Place(line: line, name: name) }
}

extension Coverage.Branch {
    /// Where it is among the branches of its file.
    struct Place: Hashable, Comparable {
        var line: Int
        var number: Int

        static func < (left: Place, right: Place) -> Bool {
            (left.line, left.number) < (right.line, right.number)
        }
    }

    var place: Place { Place(line: line, number: number) }

    /// Adds what another copy of it, or another run, has counted.
    mutating func add(_ other: [UInt64]) {
        if counts.count < other.count {
            counts += Array(repeating: 0, count: other.count - counts.count)
        }
        for way in other.indices { counts[way] = Coverage.sum(counts[way], other[way]) }
    }
}
