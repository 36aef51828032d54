public import ApusRuntime

@_spi(ApusCLI)
extension ArtifactError {
    /// If the reason is that fuel is counted, or is not: whether the module's code does. Else nil.
    public var isWithFuel: Bool? {
        let fuel = CodeSettings.names.first { $0.setting == .fuel }?.name
        guard case .setting(let name, let isOn) = self, name == fuel else { return nil }
        return isOn
    }
}
