internal import ApusCollections
internal import ApusDWARF
internal import ApusFormat
internal import ApusRuntime
internal import ApusText

extension Module {
    /// How often what the module consists of has been run until now, by all its instances, in any
    /// store and on any thread; nil if its engine does not count
    /// (`Engine.Configuration.countsCoverage`).
    ///
    /// If the module has DWARF sections, or a source map, these are lines of its sources, and
    /// functions that come from none are left out. If it was read from a file in text form, they
    /// are lines of that. Else they are lines of the module as text, which stands for a file that
    /// is called as `name` says, with `.wat` behind it.
    ///
    /// It may be asked while guests run: each number is what it was at some moment meanwhile.
    public func coverage(named name: String = "module") -> Coverage? {
        guard engine.configuration.countsCoverage else { return nil }
        var collector = CoverageCollector(loaded)
        if let text = loaded.sourceIndex?.textLines {
            return collector.coverage(of: text.lines, text: nil, path: text.path)
        }
        var coverage = collector.coverage()
        if !coverage.files.isEmpty {
            coverage.unmappedFunctions = collector.unmapped.count
            return coverage
        }
        // A module that cannot be printed, since its text would be too large, has no lines.
        guard let printed = try? TextFormat.printWithPlaces(ownBytes) else { return coverage }
        return collector.coverage(
            of: printed.lines, text: printed.text, path: name + ".wat")
    }

    /// How often each block counter of function `index` has counted; empty if there are none.
    package func blockCounts(ofFunction index: Int) -> [UInt64] {
        loaded.blockCounts(ofFunction: index)
    }
}
