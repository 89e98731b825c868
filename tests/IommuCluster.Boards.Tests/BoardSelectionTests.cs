using IommuCluster.Boards.Tests.Support;

namespace IommuCluster.Boards.Tests;

public class BoardSelectionTests
{
    [Fact]
    public void AroundIommus_KeepsWhatIsReached_InOrder()
    {
        var board = BoardReader.ParseYaml(
            """
            board: b
            architecture: arm
            nodes:
              - path: /unused-bus
              - path: /unused-bus/leaf
              - path: /clock
              - path: /bus
                needs: {clocks: clock}
              - path: /bus/iommu
                iommu-cells: 0
              - path: /bus/iommu/context
              - path: /bus/master
                iommus: iommu
                needs: {phys: phy}
              - path: /bus/beside
              - path: /host
                iommu-map: 0 iommu 0 1
                needs: {remote-endpoints: screen}
              - path: /screen
                needs: {remote-endpoints: host, supplies: ldo}
              - path: /phy
              - path: /pmic
              - path: /pmic/ldo
            reserved-memory:
              - path: /reserved-memory/a
                users: leaf
              - path: /reserved-memory/b
                users: leaf master
              - path: /reserved-memory/c
                iommu-addresses: master 0 1
            """, "b.yaml");

        var selected = BoardSelection.AroundIommus(board);

        Assert.Equal(
            ["/clock", "/bus", "/bus/iommu", "/bus/iommu/context", "/bus/master", "/host", "/screen", "/phy", "/pmic", "/pmic/ldo"],
            selected.Nodes.Select(node => node.Path));
        Assert.Equal(["/reserved-memory/b", "/reserved-memory/c"], selected.ReservedMemory.Select(region => region.Path));
        Assert.Equal("/bus/master", Assert.Single(selected.ReservedMemory[0].Users));
        Assert.Equal(BoardText.Of(selected), BoardText.Of(BoardSelection.AroundIommus(selected)));
    }
}
